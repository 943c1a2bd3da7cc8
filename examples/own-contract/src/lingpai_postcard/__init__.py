"""The house style postcard, for Lingpai."""
