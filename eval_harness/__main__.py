"""`python -m eval_harness`: the same as `angel-eval`.

The disease corpus under two knowledge bases, every predictor in one run; prints a table of acc@1 and acc@5 and
writes OUT/results.json and OUT/predictions/:

    python -m eval_harness run --benchmark ncbi --source data/ncbi_disease \\
        --knowledge-base data/kb/medic_06Jul2012.txt \\
        --predictor exact memory tfidf angel --model angel-mini --protocol lenient angel --out OUT

`lenient` links to the names of MEDIC only, `angel` adds the mention strings of train and dev; in both any concept of
a name counts. `--model` takes the embedded model, a directory or a Hub repository.
"""

from eval_harness.cli import app

if __name__ == "__main__":
    app(prog_name="angel-eval")
