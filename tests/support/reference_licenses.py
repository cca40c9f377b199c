"""A slow exact oracle of licence propagation: prefixes of paths, one file at a time."""

from dataclasses import dataclass, field

from stackspark.licenses.expressions import license_class

TYPES = {"unknown": "non_permissive"}
UNDECLARED = {
    None: ("no_license", "nothing_declared"),
    "NOASSERTION": ("non_permissive", "github_unidentified"),
}


@dataclass
class Repository:
    """Paths with their tag or None, declaring paths with (expression, source), GitHub's licence."""

    tags: dict[str, str | None]
    declared: dict[str, tuple[str, str]] = field(default_factory=dict)
    github: str | None = None


def expected_type(repository: Repository, path: str, policy: str) -> tuple[str, str]:
    """(license_type, license_reason) of one file."""
    above = {
        place.rpartition("/")[0] + "/": []
        for place in repository.declared
        if path.startswith(place.rpartition("/")[0] + "/")
    }
    for place, (expression, _) in repository.declared.items():
        folder = place.rpartition("/")[0] + "/"
        if folder in above:
            above[folder].append(expression)
    tag, github = repository.tags[path], repository.github
    if policy == "union":
        found = [text for texts in above.values() for text in texts] + [tag] * (tag is not None)
    elif tag is not None and has_license([tag]):
        found, github = [tag], None
    else:
        licensed = {folder: texts for folder, texts in above.items() if has_license(texts)}
        nearest = max(licensed or above, key=len, default="/")
        found = above.get(nearest, []) or [tag] * (tag is not None)
        github = None if nearest in licensed and nearest != "/" else github
    return decided(found, github)


def has_license(texts: list[str]) -> bool:
    """Whether one of the texts licenses anything."""
    return any(license_class(text) != "not_a_license" for text in texts)


def decided(found: list[str], github: str | None) -> tuple[str, str]:
    """The decision tree, step by step."""
    if github is not None and license_class(github) == "permissive":
        return "permissive", "github_permissive"
    if github is not None and github != "NOASSERTION":
        return "non_permissive", "github_non_permissive"
    if not found:
        return UNDECLARED[github]
    classes = {license_class(text) for text in found}
    for name in ("non_permissive", "permissive", "unknown"):
        if name in classes:
            return TYPES.get(name, name), f"declared_{name}"
    return "no_license", "declared_not_a_license"
