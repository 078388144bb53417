# PYTHON=3.13 asks for that Python when .venv is made; ARGS="..." is handed on.
.DEFAULT_GOAL := help
.PHONY: help lab test sabotage lint notebooks stamp constraints clean
export PYTHON
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV

RUN := .venv/bin/python -m
READY := .venv/installed

## lab          open the notebooks in JupyterLab
## test         re-run and compare every notebook, run every test
## sabotage     break a promise of Keras under each notebook: it must be noticed
## lint         style, spelling, and what suite.yml says
## notebooks    re-execute the notebooks and store their outputs
## stamp        write what suite.yml says into notebooks, README.md and llms.txt
## constraints  write constraints.txt anew: the newest versions within the ranges
## clean        remove everything that was made
help:
	@sed -n 's/^## /make /p' Makefile

lab: $(READY)
	.venv/bin/jupyter lab $(ARGS) notebooks/00_start_here.ipynb

test: $(READY)
	$(RUN) pytest $(ARGS)

sabotage: $(READY)
	$(RUN) pytest -n 2 --dist=load tests/sabotage.py $(ARGS)

lint: $(READY)
	$(RUN) ruff check
	$(RUN) ruff format --check
	.venv/bin/codespell
	$(RUN) tools.stamp --check

notebooks: $(READY)
	$(RUN) tools.notebooks $(ARGS)

stamp: $(READY)
	$(RUN) tools.stamp

constraints:
	python3 tools/env.py constraints

clean:
	rm -rf .venv .uv .pytest_cache .ruff_cache build helpers.egg-info notebooks/artifacts
	find . -name __pycache__ -prune -exec rm -rf {} +
	find . -name .ipynb_checkpoints -prune -exec rm -rf {} +

$(READY): requirements.txt constraints.txt pyproject.toml tools/env.py
	python3 tools/env.py
