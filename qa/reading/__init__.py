"""What the embedded reader goes by: rules, its model, signals of sentences, their chances, and which are picked."""
