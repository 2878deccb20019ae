"""How well it works, as numbers: data sets → what the product makes of them → metrics with their uncertainty → a report."""
