"""The curve is scikit-learn's, which the running service does not install."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, precision_recall_curve

from ml.serving.ranking import precision_recall


@given(
    st.lists(
        st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.25, 0.25001, 0.9, 1.0])),
        min_size=1,
        max_size=60,
    ).filter(lambda pairs: any(fraud for fraud, _ in pairs))
)
def test_curve_and_area_are_those_of_scikit_learn(pairs):
    fraud, score = (np.array(column) for column in zip(*pairs, strict=True))
    ours = precision_recall(fraud, score)
    precision, recall, _ = precision_recall_curve(fraud, score)
    np.testing.assert_allclose(ours.precision, precision)
    np.testing.assert_allclose(ours.recall, recall)
    np.testing.assert_allclose(ours.average_precision, average_precision_score(fraud, score))
