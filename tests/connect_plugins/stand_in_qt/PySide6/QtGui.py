"""Nothing of this is used."""
