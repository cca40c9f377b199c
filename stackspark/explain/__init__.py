"""Why a file is in the dataset or out of it."""
