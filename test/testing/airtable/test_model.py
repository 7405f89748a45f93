"""Links are stored in both tables."""

from __future__ import annotations

from typing import Any

from pyairtable.api.base import Base as ApiBase


def test_links_are_kept_on_both_sides(base: ApiBase, linked: tuple[Any, Any]) -> None:
    parents, children = linked
    child, other = children.create({'Name': 'c'}), children.create({'Name': 'd'})
    parent = parents.create({'Name': 'p', 'Kids': [child['id'], other['id']]})
    assert children.get(child['id'])['fields'] == {'Name': 'c', 'Parents': [parent['id']]}
    children.update(other['id'], {'Parents': []})
    assert parents.get(parent['id'])['fields']['Kids'] == [child['id']]
    children.delete(child['id'])
    assert parents.get(parent['id'])['fields'] == {'Name': 'p'}


def test_the_schema_shows_both_sides_of_a_link(base: ApiBase, linked: tuple[Any, Any]) -> None:
    schema = base.schema(force=True)
    kids = schema.table('Parents').field('Kids')
    inverse = schema.table('Children').field('Parents')
    assert kids.options.inverse_link_field_id == inverse.id
    assert inverse.options.linked_table_id == schema.table('Parents').id
    assert schema.table('Parents').primary_field_id == schema.table('Parents').fields[0].id
