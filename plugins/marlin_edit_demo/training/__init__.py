"""How the demo model was trained. Nothing that the product runs is in here."""
