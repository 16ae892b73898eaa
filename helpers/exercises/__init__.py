"""The course's exercises: what is right, why it matters, and what each known mistake looks like.

How an answer is tried and replied to is in checking.py, how it is read and compared in answers.py, how values and
errors are put in words in wording.py. To add an exercise:

1. Write one function in its chapter's file here, in the order of the numbers. It yields first what is right, as
   one of three kinds, and then each known mistake with what to say of it:

       @exercise("6.4", "A title for progress()")
       def a_name(bert):
           yield Value(right, "Why it matters.", "What to look at, said of any other answer.")
           yield "What this looks like: where to look.", wrong_value

   - `Value`: a number, list or tensor. Whole numbers are compared exactly, others to 1e-5, or rounded to
     `decimals` or more; `any_order=True` takes sets and masks.
   - `Judged(judge, why)`: any answer; `judge(answer)`, of it as it was read, says what is wrong with it, or None if
     it is right.
   - `Function(right, why, inputs)`: a function, tried on every input of `[given(x, p), …]`: choose them so
     that each mistake shows on one. A mistake is a function too, or its expression in the parameters'
     names, "x * keep", or what is changed in the right one, {"unbiased": True}. One that raises is known by its error.
   `right` is computed from the loaded model, so that any BERT will do; so may `why` be, or from the answer
   (`lambda answer: f"…"`), to show what is worth seeing. Several may share a diagnosis; all that fit a value are said.
2. In the notebook: the question, `check("6.4", bert, answer)`, a hint, a folded solution.

Nothing else: `progress`, `numbers` and the tests learn from here which exercises there are. The tests hand in the right
answer in every form and each mistake, which must get its own words. What the list cannot vouch for is a line each in
tests/test_exercises.py: each mistake as a learner would write it, a right answer made in another way, a judge's replies.
What else a kind can be told (`within`, `view`, `trial`, …) stands beside its fields in checking.py.
"""

from ..checking import check, numbers, progress
from . import change, layer, tables  # noqa: F401 (their exercises are registered when they are imported)
from .beyond import patient

__all__ = ["check", "numbers", "patient", "progress"]
