"""What events call entities, and what the session calls them."""


def entity_type(session, item):
    """Returns the session's name for the entity type of a selected item, which events write in lower case."""
    named = str(item.get("entityType") or "").replace("_", "").lower()
    schemas = session.schemas
    for schema in schemas:
        alias = schema.get("alias_for")
        # Some schemas stand for another one in a way that is no name.
        if isinstance(alias, str) and alias.lower() == named:
            return schema["id"]
    for schema in schemas:
        if schema["id"].lower() == named:
            return schema["id"]
    raise ValueError("no entity type is called `{}`".format(item.get("entityType")))
