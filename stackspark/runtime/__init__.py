"""The ground under everything: session, Java, jars, progress, fingerprints, Arrow helpers."""
