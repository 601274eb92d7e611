"""Whether rows represent what the model will be asked: topics, comparison with a reference sample, groups.

    inputs       what is compared: the text of a row without system message and answer
    features     TF-IDF of words and word pairs, with a bounded vocabulary
    clusters     topics of the inputs
    reference    production inputs from a file
    separation   whether a classifier tells two samples apart
    coverage     the nearest training input of every reference input
    grouped      rows by a field, or by the gender terms in them
    gender_terms words that name a gender
    shares       shares with intervals, and tests of their difference

The checks that use it are checks/topics, checks/reference_sample and checks/group_balance.
"""
