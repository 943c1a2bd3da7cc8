"""Business calls: declared once, served under every contract."""
