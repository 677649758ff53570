"""D³M: features, swapping, contrastive fusion, memory banks, decision."""
