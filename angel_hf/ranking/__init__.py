"""What follows the search: how sure an answer is."""
