"""What is said in a source: words made into utterances, and queries looked up in them."""
