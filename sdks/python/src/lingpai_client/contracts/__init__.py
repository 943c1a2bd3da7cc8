"""The five house styles: how each writes, proves and reads."""
