"""Archives of published corpora that the user already has: verified, and unpacked without joining their parts."""
