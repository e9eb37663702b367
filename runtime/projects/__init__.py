"""What people have: templates, stacks and plans, read into one `Project`, and made into a scenario."""

from stepsim.runtime.projects.findings import Finding, ProjectError, Site
from stepsim.runtime.projects.load import load_project
from stepsim.runtime.projects.project import Project, ProjectFunction, ProjectMachine

__all__ = ["Finding", "Project", "ProjectError", "ProjectFunction", "ProjectMachine", "Site", "load_project"]
