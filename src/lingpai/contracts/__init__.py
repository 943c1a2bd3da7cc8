"""The house styles that we speak: one file, one house; none imports another. Found by listing this folder."""
