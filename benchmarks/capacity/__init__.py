"""What `rule_capacity.py` measures.

rules        how much fits into a state of each rule, and what it finds when a question is not worded as the key is
pools        keys to write and questions to ask: random ones, sentences, the turns and questions of a LoCoMo file
paraphrase   the same text in other words, by rule (synonyms.json: written for this project, Apache-2.0)
plot         what `rules` measured, as a PNG
"""
