"""The small table in a notebook."""

from deepfit.judge.notebook import html


def card(**more):
    score = {"value": 0.9123, "low": 0.88, "high": 0.94}
    unknown = {"accuracy": score | {"value": None}}
    common = {"rows": {"test": 1000}, "verdict": "Better <than>"}
    return {"metrics": {"accuracy": score}, "baselines": {"gradient_boosting": unknown}, **common, **more}


def test_scores_stand_beside_baselines_with_intervals():
    page = html(card())
    for text in (
        "0.9123",
        "0.880 \N{EN DASH} 0.940",
        "gradient boosting",
        "\N{EN DASH}</td>",
        "1,000 test rows",
        "Accuracy",
    ):
        assert text in page


def test_text_is_escaped_and_nothing_is_loaded():
    page = html(card(), title="<script>")
    assert "<script" not in page
    assert "Better &lt;than&gt;" in page
    assert "src=" not in page
    assert "href=" not in page


def test_a_model_without_scores_says_so():
    assert "Not scored on held-out rows." in html(None)
    assert "No rows were held out" in html(card(metrics={}, verdict="No rows were held out"))
