"""Git repositories: refs, objects, packs, and the tree at a ref."""
