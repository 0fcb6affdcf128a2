/* This file tells from where the ledger of a network went on after its host had lost entries, what
 * became of one's own among them, and whether one host alone speaks for the ledger of a channel. It
 * names nobody as the cause. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "kit/json.h"
#include "kit/language.h"
#include "kit/message.h"
#include "kit/out.h"
#include "kit/text.h"
#include "replica/restart.h"
#include "report/report.h"
#include "session/registered.h"

#define SHOWN_MAX 8   /* restarts */
#define WITNESS_S 600 /* that other hosts may take to sign */
#define NAMED_MAX 50  /* of what is lost */

static emr_status add_name(void *arg, emr_id16 object, emr_bytes name)
{
	char text[256];

	(void)object;
	if (name.len == 0 || name.len >= sizeof text || json_array_size(arg) >= NAMED_MAX)
		return EMR_OK;
	memcpy(text, name.data, name.len);
	text[name.len] = '\0';
	return json_array_append_new(arg, emr_json_text(text)) == 0 ? EMR_OK : EMR_NO_MEMORY;
}

json_t *emr_restarts_json(emr_session *session)
{
	emr_known_restart all[SHOWN_MAX];
	size_t n = emr_replica_restarts(session->replica, all, SHOWN_MAX);
	json_t *list = json_array();

	for (size_t i = 0; list != NULL && i < n; i++) {
		json_t *lost = json_array();
		char at[EMR_TEXT_BYTES];

		emr_time_json((int64_t)all[i].unix_s, at);
		if (i + 1 == n)
			(void)!emr_settle_each_lost(session->settle, add_name, lost);
		if (json_array_append_new(
			    list, json_pack("{s:s, s:I, s:I, s:b, s:o}", "at", at, "at_unix",
					  (json_int_t)all[i].unix_s, "entry_count",
					  (json_int_t)all[i].size, "waits",
					  all[i].state == EMR_RESTART_WAITS, "lost", lost)) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

char *emr_restarts_text(const json_t *restarts)
{
	char *text = NULL, when[EMR_TEXT_BYTES], entries[EMR_TEXT_BYTES], shown[4200];
	size_t size, i, k;
	FILE *to = open_memstream(&text, &size);
	const json_t *one, *name;

	if (to == NULL)
		return NULL;
	json_array_foreach(restarts, i, one)
	{
		emr_time_text(json_integer_value(json_object_get(one, "at_unix")), when);
		emr_number_text(emr_json_number_at(one, "entry_count"), entries);
		fprintf(to,
			_("  On %s the host of your network went on with %s entries, after later "
			  "ones were lost.\n"),
			when, entries);
		if (emr_json_flag_at(one, "waits"))
			fputs(_("    This computer has some of those. Close your folder and open "
				"it again: what is yours is signed once more. Until then it "
				"waits.\n"),
				to);
		json_array_foreach(json_object_get(one, "lost"), k, name)
		{
			emr_show(json_string_value(name), shown, sizeof shown);
			fprintf(to, _("    Gone for good: %s\n"), shown);
		}
	}
	return fclose(to) == 0 ? text : (free(text), NULL);
}

/* KEY: of its host; zeros: of none. */
static json_t *org_of(emr_session *session, emr_id32 key)
{
	char name[EMR_ORGANISATION_NAME_MAX + 1] = "";
	emr_known_org org;

	if (emr_id32_is_zero(key) || emr_replica_host_of(session->replica, key, &org) != EMR_OK ||
		emr_organisation_name(session->replica, emr_ledger_descriptor(session->ledger),
			org.org.b, name) != EMR_OK)
		return json_null();
	return emr_json_text(name);
}

json_t *emr_standing_json(emr_session *session)
{
	emr_ledger_standing standing = {.keys = NULL};

	(void)!emr_ledger_stand_in(session->ledger, &standing);
	return json_pack("{s:o, s:o, s:I, s:o}", "by", org_of(session, standing.by), "since",
		emr_json_time(standing.since_unix_s), "since_unix",
		(json_int_t)standing.since_unix_s, "refused", org_of(session, standing.refused));
}

static void print_standing(FILE *to, const json_t *standing)
{
	const char *refused = emr_json_text_at(standing, "refused");
	char since[EMR_TEXT_BYTES], name[EMR_ORGANISATION_NAME_MAX + 1];

	emr_time_text((int64_t)emr_json_number_at(standing, "since_unix"), since);
	emr_show(emr_json_text_at(standing, "by"), name, sizeof name);
	if (emr_json_number_at(standing, "since_unix") > 0)
		fprintf(to,
			_("  Your own host has been away since %s: you read and save by that of "
			  "%s.\n"),
			since, name);
	emr_show(refused, name, sizeof name);
	if (refused[0] != '\0')
		fprintf(to,
			_("  The host of %s shows something else than this computer has verified, "
			  "and is asked no more.\n"),
			name);
}

/* Other hosts read the same blocks a moment later. */
void emr_unwitnessed_print(FILE *to, const json_t *report)
{
	const uint64_t former = emr_json_number_at(report, "former_key_folders");
	const json_t *ledger = json_object_get(report, "ledger");
	const uint64_t since = emr_json_number_at(ledger, "unwitnessed_unix");
	char text[EMR_TEXT_BYTES];

	if (former > 0)
		emr_hint_print(to,
			emr_text_of(former,
				"  %llu folder is still of your former key (emrfs words renew).\n",
				"  %llu folders are still of your former key (emrfs words "
				"renew).\n"),
			(unsigned long long)former);
	print_standing(to, json_object_get(ledger, "stands_in"));
	if (since == 0 || since + WITNESS_S > emr_clock_unix_s(emr_clock_system()))
		return;
	emr_time_text((int64_t)since, text);
	fprintf(to,
		_("  By the word of your own host alone since %s: no other organisation's host has "
		  "signed the same.\n"),
		text);
}
