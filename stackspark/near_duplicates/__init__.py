"""The search for near-duplicates, and all that it needs beside stages and kernels."""
