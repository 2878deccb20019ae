"""Speed of this project and of its peers, measured side by side: `make bench`."""
