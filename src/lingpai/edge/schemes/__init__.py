"""What tokens look like: written at sign-in, read on each call."""
