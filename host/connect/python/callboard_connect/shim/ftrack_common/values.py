"""Small things that handlers do with queries."""


def create_chunks(iterable, chunk_size=None):
    """Returns the values in lists of at most that many."""
    values, size = list(iterable), chunk_size or 200
    return [values[at : at + size] for at in range(0, len(values), size)]


def join_filter_values(values):
    """Returns the values as a query's `in (…)` takes them, each once."""
    return ",".join('"{}"'.format(value) for value in dict.fromkeys(values))


def query_custom_attribute_values(session, attr_ids, entity_ids):
    """Returns the values of custom attributes of entities, in as few queries as the lengths allow."""
    if not attr_ids or not entity_ids:
        return []
    expression = (
        "select value, entity_id, configuration_id from CustomAttributeValue"
        " where entity_id in ({}) and configuration_id in ({})"
    )
    found, attributes = [], join_filter_values(attr_ids)
    for chunk in create_chunks(entity_ids, 500):
        found.extend(session.query(expression.format(join_filter_values(chunk), attributes)).all())
    return found
