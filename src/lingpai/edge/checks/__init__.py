"""What a request must prove besides its token: a right time, a right checksum, members that every call carries."""
