# PYTHON=3.13 asks for that Python when .venv is made; ARGS="..." is handed on.
.DEFAULT_GOAL := help
.PHONY: help lab test sabotage fuzz browser colab binder lint notebooks stamp picture constraints \
        upgrade matrix minutes clean
export PYTHON
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV

RUN := .venv/bin/python -m
READY := .venv/installed

## lab          open the notebooks in JupyterLab
## test         re-run and compare every notebook, run every test
## sabotage     break a promise of Keras under each notebook: it must be noticed
## fuzz         damage files at random and describe them: 2,000 of each format
## browser      run every notebook in JupyterLab, in a real browser: it needs Chromium
## colab        run every notebook on what Colab has, installed as Colab would
## binder       build what Binder builds, run every notebook there, measure its memory
## lint         style, spelling, and what suite.yml says
## notebooks    re-execute the notebooks and store their outputs
## stamp        write what suite.yml says into notebooks, README.md and llms.txt
## picture      take the README's picture of a notebook in that browser
## constraints  write constraints.txt anew: the newest versions within the ranges
## upgrade      the same, and show what moved
## matrix       the notebooks on every supported stack, Python and processor setting
## minutes      measure what readers wait for; write the table in CONTRIBUTING.md
## clean        remove everything that was made
help:
	@sed -n 's/^## /make /p' Makefile

lab: $(READY)
	.venv/bin/jupyter lab --LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb $(ARGS)

test: $(READY)
	$(RUN) pytest $(ARGS)

sabotage: $(READY)
	$(RUN) pytest -n 2 --dist=worksteal tests/sabotage.py $(ARGS)

fuzz: $(READY)
	.venv/bin/python tests/fuzz.py $(ARGS)

browser: $(READY)
	$(RUN) pytest -n0 -rs tests/browser.py $(ARGS)

colab: $(READY)
	$(RUN) pytest -n 2 --dist=load tests/colab.py $(ARGS)

binder: $(READY)
	$(RUN) pytest -n0 tests/binder.py $(ARGS)

lint: $(READY)
	$(RUN) ruff check
	$(RUN) ruff format --check
	.venv/bin/codespell
	$(RUN) tools.stamp --check

notebooks: $(READY)
	$(RUN) tools.notebooks $(ARGS)

stamp: $(READY)
	$(RUN) tools.stamp

picture: $(READY)
	$(RUN) tools.browser

constraints:
	python3 tools/env.py constraints

upgrade: constraints
	git --no-pager diff -U0 constraints.txt
	@echo "Nothing shown: nothing moved. Else run make notebooks, and read the diff of the outputs."

matrix: $(READY)
	$(RUN) tools.matrix $(ARGS)

minutes: $(READY)
	$(RUN) tools.minutes $(ARGS)

clean:
	rm -rf .venv .uv .matrix .colab .binder .pytest_cache .ruff_cache build helpers.egg-info notebooks/artifacts
	find . -name __pycache__ -prune -exec rm -rf {} +
	find . -name .ipynb_checkpoints -prune -exec rm -rf {} +

$(READY): requirements.txt constraints.txt pyproject.toml tools/env.py
	python3 tools/env.py
