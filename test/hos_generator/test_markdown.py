from hos_generator.markdown import markdown_table


def test_a_table_with_a_bar_in_a_cell() -> None:
    assert (
        markdown_table(('a', 'b'), [('1', 'x|y')]) == '| a | b |\n| --- | --- |\n| 1 | x\\|y |\n'
    )
