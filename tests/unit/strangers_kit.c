/* This kit tells a story with a second computer of ana's, which is stolen. */
#include "strangers_kit.h"

#include "contract/codes.h"

story s;
person laptop;

int strangers_begin(void **state)
{
	(void)state;
	story_begin(&s);
	story_device(&s, &laptop, "laptop", false);
	return 0;
}

int strangers_end(void **state)
{
	(void)state;
	story_part(&laptop);
	story_end(&s);
	return 0;
}

int says(person *m, emr_act act, size_t part_len)
{
	EMR_AUTO_BUF part = {0};

	assert_ok(emr_buf_append_zeros(&part, part_len));
	memcpy(part.data, emr_id32_random().b, 32);
	return story_says(&s, m, act, emr_buf_view(&part));
}

int lets(person *m, const person *whom, uint16_t rights, uint64_t seconds)
{
	return says(m,
		emr_act_writer_add(
			s.imaging, whom->public.signer_id, rights, story_now(&s) + seconds),
		SEALED);
}

int makes_manager(person *m, const person *whom)
{
	return lets(m, whom, EVERYTHING, 300 * DAY);
}

emr_row_domain imaging_row(void)
{
	EMR_AUTO_BUF bytes = {0};
	emr_row_domain row;
	emr_key_text key;

	assert_ok(emr_replica_catch_up(s.k.stack.replica, NULL, NULL, NULL));
	emr_key_domain(s.imaging.b, &key);
	assert_ok(emr_replica_state_get(s.k.stack.replica, key.text, &bytes));
	assert_int_equal(
		emr_row_domain_parse((emr_span){bytes.data, bytes.len}, &row), EMR_CONTRACT_OK);
	return row;
}

emr_replica_head head_of(const char *name)
{
	emr_replica_head head;
	emr_place place;

	assert_ok(emr_view_place(s.k.view, name, &place));
	assert_ok(emr_replica_head_get(s.k.stack.replica, place.domain, place.object, &head));
	return head;
}

seen strangers_count(const emr_buf *strangers)
{
	seen n = {0};

	EMR_EACH (const emr_stranger, stranger, strangers) {
		n.managers += stranger->kind == EMR_STRANGER_MANAGER;
		n.writers += stranger->kind == EMR_STRANGER_WRITER;
		n.grants += stranger->kind == EMR_STRANGER_GRANT;
		if (stranger->kind == EMR_STRANGER_MANAGER)
			n.manager = stranger->who;
	}
	return n;
}

seen look(void)
{
	EMR_AUTO_BUF all = {0};

	assert_ok(emr_replica_catch_up(s.k.stack.replica, NULL, NULL, NULL));
	assert_ok(emr_strangers(s.k.stack.keyring, s.k.stack.replica, story_now(&s), &all));
	return strangers_count(&all);
}
