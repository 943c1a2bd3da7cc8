"""`python -m lingpai.cli`, for where the script is not on the path."""

from lingpai.cli import main

if __name__ == "__main__":
    main()
