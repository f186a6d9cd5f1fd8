-- What was said, by its terms (chat/search_terms.py). The rowid says where: channel << 40 | seq. Nothing is stored but the index: to
-- take something out again, its old terms have to be named.
CREATE VIRTUAL TABLE search USING fts5 (terms, sender, content = '', detail = column, tokenize = "ascii tokenchars '-_'");
