"""Work on many cassettes: processes, Dask, pairing of folders, the noise file."""
