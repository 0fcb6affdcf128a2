/* Tests of the log use this file: it opens ana's folder with people around it, and picks entries
 * out of what the log says. */
#include "log_kit.h"

story s;
emr_session session;

int log_begin(void **state)
{
	(void)state;
	story_begin(&s);
	session = EMR_SESSION_CLOSED;
	session.keyring = s.k.stack.keyring;
	session.ledger = s.k.stack.ledger;
	session.replica = s.k.stack.replica;
	session.records = s.k.stack.records;
	session.facts = s.k.stack.facts;
	session.journal = s.k.stack.journal;
	session.store = s.k.stack.store;
	session.settle = s.k.stack.settle;
	session.state_path = s.k.path;
	session.view = s.k.view;
	session.state_fd = open(s.k.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(session.state_fd >= 0);
	assert_ok(emr_keyring_public(session.keyring, &session.identity));
	assert_ok(emr_chronicle_new(session.facts, session.replica, &session.chronicle));
	return 0;
}

int log_end(void **state)
{
	(void)state;
	emr_chronicle_free(session.chronicle);
	(void)close(session.state_fd);
	story_end(&s);
	return 0;
}

json_t *entries(const emr_deeds_wish *wish)
{
	EMR_AUTO_DEEDS deeds = {0};
	json_t *all = json_array(), *one = NULL;

	assert_ok(emr_replica_catch_up(session.replica, NULL, NULL, NULL));
	assert_ok(emr_deeds_collect(&session, wish, &deeds));
	for (;;) {
		assert_ok(emr_deeds_next(&session, &deeds, &one));
		if (one == NULL)
			return all;
		assert_int_equal(json_array_append_new(all, one), 0);
	}
}

const char *text_of(const json_t *entry, const char *name)
{
	const char *text = json_string_value(json_object_get(entry, name));

	return text != NULL ? text : "";
}

const json_t *nth(const json_t *all, const char *action, size_t n)
{
	for (size_t i = 0; i < json_array_size(all); i++) {
		if (strcmp(text_of(json_array_get(all, i), "action"), action) == 0 && n-- == 0)
			return json_array_get(all, i);
	}
	return NULL;
}

size_t count(const emr_deeds_wish *wish)
{
	json_t *all = entries(wish);
	size_t n = json_array_size(all);

	json_decref(all);
	return n;
}
