/* This file answers who has signed that a person of the book is the one on the card, and on which
 * day: organisations, or only the holder of the card. */
#include "people/answers.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "people/book.h"

#include "people_private.h"

typedef struct saying {
	char *out;
	size_t size;
} saying;

static emr_status say_one(void *arg, const char *organisation, uint64_t time_unix_s)
{
	const saying *s = arg;
	time_t t = (time_t)time_unix_s;
	size_t at = strlen(s->out);
	char day[16];
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(day, sizeof day, "%Y-%m-%d", &tm);
	if (at + strlen(organisation) + strlen(day) + 4 < s->size)
		snprintf(s->out + at, s->size - at, "%s%s@%s", at > 0 ? ", " : "", organisation,
			day);
	return EMR_OK;
}

emr_status emr_session_vouched(
	void *arg, emr_id32 signer_id, const char *name, const char *born, char *out, size_t size)
{
	emr_session *session = arg;
	EMR_AUTO_BOOK book = {0};
	saying s = {.out = out, .size = size};
	emr_status status = emr_book_load(session->keyring, session->state_fd, &book);

	out[0] = '\0';
	for (size_t i = 0; i < book.n && status == EMR_OK; i++) {
		const emr_contact *c = &book.people[i];

		if (emr_id32_equal(c->card.signer_id, signer_id) &&
			strcmp(c->card.name, name) == 0 && strcmp(c->card.born, born) == 0)
			status = emr_vouched_each(session->replica,
				emr_ledger_descriptor(session->ledger),
				emr_ledger_net_id(session->ledger), emr_buf_view(&c->bytes),
				(uint64_t)emr_clock_unix_s(emr_clock_system()), say_one, &s);
	}
	if (status == EMR_OK && out[0] == '\0')
		snprintf(out, size, "self");
	return status;
}
