-- A profile as the first schema left it: a queue with a group and a refused change, a form, a conflict, a photo.
INSERT INTO meta (name, value) VALUES ('sync-cursor', '1.20.ab');
INSERT INTO resource (key, type, id, body, version) VALUES
    (1, 'QuestionnaireResponse', 'r1', '{"resourceType":"QuestionnaireResponse","id":"r1"}', NULL),
    (2, 'Task', 't1', '{"resourceType":"Task","id":"t1"}', NULL),
    (3, 'Composition', 'n1', '{"resourceType":"Composition","id":"n1"}', '4');
INSERT INTO index_token (type, param, code, system, key) VALUES ('Task', 'status', 'requested', '', 2);
INSERT INTO outbox (op, grp, type, id, body, kind, lane, made_at, attempt, stuck) VALUES
    (7, 7, 'QuestionnaireResponse', 'r1', '{"resourceType":"QuestionnaireResponse","id":"r1"}', 'report', 0, 1795000000000, 1, NULL),
    (8, 7, 'Task', 't1', '{"resourceType":"Task","id":"t1"}', 'task', 0, 1795000000000, 1, NULL),
    (9, 9, 'Composition', 'n1', '{"resourceType":"Composition","id":"n1"}', 'note', 0, 1795000000001, 2,
     '{"why":"rejected","question":"Composition.section","status":422}');
INSERT INTO receipt (type, id, number, at) VALUES ('QuestionnaireResponse', 'r0', 'HMS-1', '2026-11-21T17:05:00.000Z');
INSERT INTO conflict (type, id, found_at, elements, local_body, remote_body, remote_version) VALUES
    ('Composition', 'n1', 5, '["section"]', '{}', '{}', '5');
INSERT INTO draft (id, body, changed_at) VALUES ('d1', '{"step":3}', 1795000000000);
INSERT INTO attachment (id, content_type, size, made_at) VALUES ('a1', 'image/jpeg', 3, 1795000000000);
INSERT INTO attachment_piece (attachment, number, bytes) VALUES ('a1', 0, x'FFD8FF');
INSERT INTO audit (at, action, subject) VALUES (1795000000000, 'report-send', 'QuestionnaireResponse/r1');
