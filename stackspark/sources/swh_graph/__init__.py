"""Software Heritage's graph: visits, branches, releases and directories."""
