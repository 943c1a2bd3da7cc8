"""Services that are not ours: behind a proxy that asks us (`forward`), or with a guard of their own (`guard`)."""
