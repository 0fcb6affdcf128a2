/* This file answers who has signed that a person of the book is the one on the card, and on which
 * day: organisations, or only the holder of the card. */
#include "people/answers.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "people/book.h"

#include "people_private.h"

static void say_one(const emr_vouched *one, char *out, size_t size)
{
	time_t t = (time_t)one->time_unix_s;
	size_t at = strlen(out);
	char day[16];
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(day, sizeof day, "%Y-%m-%d", &tm);
	if (at + strlen(one->organisation) + strlen(day) + 4 < size)
		snprintf(
			out + at, size - at, "%s%s@%s", at > 0 ? ", " : "", one->organisation, day);
}

emr_status emr_session_vouched(
	void *arg, emr_id32 signer_id, const char *name, const char *born, char *out, size_t size)
{
	emr_session *session = arg;
	EMR_AUTO_BOOK book = {0};
	EMR_AUTO_BUF all = {0};
	emr_status status = emr_book_load(session->keyring, session->state_fd, &book);

	out[0] = '\0';
	for (size_t i = 0; i < book.n && status == EMR_OK; i++) {
		const emr_contact *c = &book.people[i];

		if (emr_id32_equal(c->card.signer_id, signer_id) &&
			strcmp(c->card.name, name) == 0 && strcmp(c->card.born, born) == 0)
			status = emr_vouched_list(session->replica,
				emr_ledger_descriptor(session->ledger),
				emr_ledger_net_id(session->ledger), emr_buf_view(&c->bytes),
				(uint64_t)emr_clock_unix_s(emr_clock_system()), &all);
	}
	EMR_EACH (const emr_vouched, one, &all)
		say_one(one, out, size);
	if (status == EMR_OK && out[0] == '\0')
		snprintf(out, size, "self");
	return status;
}
