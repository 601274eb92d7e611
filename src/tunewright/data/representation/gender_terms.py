"""English words that name a person's gender: pronouns, titles and a few nouns that templates often hold."""

from tunewright.data.checks.words import words

# Left out for their other meanings: miss (a verb), ms (milliseconds), king and queen (sizes and cards).
FEMALE = frozenset(
    (
        "she", "her", "hers", "herself", "mrs", "madam", "woman", "women", "girl", "girls", "lady", "ladies",
        "female", "mother", "mothers", "daughter", "daughters", "wife", "wives", "sister", "sisters", "grandmother",
        "aunt", "niece", "girlfriend", "actress", "waitress"
    )
)  # fmt: skip
MALE = frozenset(
    (
        "he", "him", "his", "himself", "mr", "sir", "man", "men", "boy", "boys", "gentleman", "gentlemen", "male",
        "father", "fathers", "son", "sons", "husband", "husbands", "brother", "brothers", "grandfather", "uncle",
        "nephew", "boyfriend", "actor", "waiter"
    )
)  # fmt: skip

FEMALE_TERMS = "female terms"
MALE_TERMS = "male terms"
BOTH = "terms of both"
NO_TERMS = "no terms"


def gender_terms(text: str) -> str:
    """Say which terms a text has: one of the four constants above.

    >>> gender_terms("Mr. Smith says that his lamp is dead.")
    'male terms'
    """
    found = set(words(text))
    is_female, is_male = not found.isdisjoint(FEMALE), not found.isdisjoint(MALE)
    if is_female and is_male:
        return BOTH
    if is_female or is_male:
        return FEMALE_TERMS if is_female else MALE_TERMS
    return NO_TERMS
