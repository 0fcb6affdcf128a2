/* This file is the last step of `emrfs device remove`. It lists what others see because of the
 * removed computer (folders that it moved, then files that it saved) and ends that after a yes. */
#include "verbs_private.h"

#include <stdio.h>
#include <string.h>

#include "kit/json.h"
#include "kit/language.h"
#include "kit/terminal.h"
#include "kit/text.h"
#include "share/devices.h"

typedef struct leaving {
	const device_left *left;
	json_t *list;
	emr_buf ones; /* emr_carried, or emr_saved, ...: as they were shown */
} leaving;

static void leaving_end(leaving *l)
{
	json_decref(l->list);
	emr_buf_free(&l->ones);
}
#define AUTO_LEAVING __attribute__((cleanup(leaving_end))) leaving

static bool can_ask(const device_left *left)
{
	return !left->out->is_json && emr_terminal_there();
}

static emr_status note_ended(const leaving *l, const char *key, bool ends)
{
	emr_status status = EMR_OK;

	for (size_t i = 0; i < json_array_size(l->list) && status == EMR_OK; i++) {
		json_t *one = json_array_get(l->list, i);
		bool stays = emr_json_flag_at(one, "saved_since");

		if (json_object_set_new(one, "taken_back", json_boolean(ends && !stays)) != 0)
			status = EMR_NO_MEMORY;
	}
	emr_out_put(l->left->out, key, json_incref(l->list));
	return status;
}

/* ---- what is shared because it moved it ---- */

static emr_status note_carried(void *arg, const emr_carried *carried)
{
	leaving *l = arg;
	const device_left *left = l->left;
	const emr_stranger reader = {.kind = EMR_STRANGER_GRANT, .who = carried->who};
	char at[EMR_TEXT_BYTES], moved[EMR_TEXT_BYTES], folder[1100], name[400];
	json_t *one = NULL;
	emr_status status = EMR_OK;

	EMR_TRY(emr_stranger_json(&left->of, &reader, &one));
	(void)json_object_del(one, "kind");
	emr_time_json((int64_t)carried->moved_unix_s, at);
	if (json_object_set_new(one, "folder", emr_json_text(carried->folder)) != 0 ||
		json_object_set_new(one, "moved_at", json_string(at)) != 0 ||
		json_array_append(l->list, one) != 0)
		status = EMR_NO_MEMORY;
	emr_show(carried->folder, folder, sizeof folder);
	emr_show(emr_json_text_at(one, "organisation"), name, sizeof name);
	emr_moment_text(at, moved);
	if (status == EMR_OK)
		emr_say(left->out, "  %s, moved %s, is shared with key %s%s%s%s\n", folder, moved,
			emr_json_text_at(one, "key"), name[0] != '\0' ? " (" : "", name,
			name[0] != '\0' ? ")" : "");
	json_decref(one);
	return status == EMR_OK ? emr_buf_append(&l->ones, carried, sizeof *carried) : status;
}

static emr_status end_carried(const device_left *left)
{
	AUTO_LEAVING l = {.left = left, .list = json_array()};
	emr_status status = l.list == NULL ? EMR_NO_MEMORY : EMR_OK;
	char word[EMR_PROBLEM_TEXT_BYTES];
	bool ends;
	size_t n;

	emr_shell_name(left->name, word, sizeof word);
	if (status == EMR_OK)
		status = emr_share_carried(
			left->of.share, left->device, left->since_unix_s, note_carried, &l);
	n = l.ones.len / sizeof(emr_carried);
	if (status != EMR_OK || n == 0)
		return status == EMR_OK ? note_ended(&l, "carried", false) : status;
	ends = left->args->given[EMR_OPT_YES] ||
	       (can_ask(left) &&
		       emr_terminal_says_yes("These folders were moved by it into ones that you "
					     "share.  Should what they are shared "
					     "with by that end (yes, no)?"));
	if (ends)
		status = emr_share_carried_end(
			left->of.share, (const emr_carried *)(const void *)l.ones.data, n);
	if (status == EMR_OK)
		status = note_ended(&l, "carried", ends);
	if (status != EMR_OK)
		return status;
	if (ends)
		emr_say(left->out, "That has ended. The folders lie where they were moved.\n");
	else
		emr_say(left->out, "They stay shared. To end that: emrfs device remove --yes %s\n",
			word);
	return EMR_OK;
}

/* ---- what it saved there ---- */

static emr_status note_saved(void *arg, const emr_saved *saved)
{
	leaving *l = arg;
	char at[EMR_TEXT_BYTES], path[1000];
	json_t *one = json_object();

	(void)snprintf(path, sizeof path, "%s%s%s", saved->folder,
		saved->folder[0] != '\0' ? "/" : "", saved->name);
	emr_time_json((int64_t)saved->saved_unix_s, at);
	if (one == NULL || json_object_set_new(one, "path", emr_json_text(path)) != 0 ||
		(!saved->is_changed &&
			json_object_set_new(one, "saved_at", json_string(at)) != 0) ||
		json_object_set_new(one, "new", json_boolean(saved->is_new)) != 0 ||
		json_object_set_new(one, "let_in", json_boolean(saved->is_let_in)) != 0 ||
		json_object_set_new(one, "saved_since", json_boolean(saved->is_changed)) != 0 ||
		json_array_append(l->list, one) != 0) {
		json_decref(one);
		return EMR_NO_MEMORY;
	}
	json_decref(one);
	return emr_buf_append(&l->ones, saved, sizeof *saved);
}

#define NAMED 5 /* of a folder; of more, how many */

static void say_saved(const leaving *l, const emr_saved *one)
{
	char at[EMR_TEXT_BYTES], saved[EMR_TEXT_BYTES], folder[1100], name[600];

	emr_show(one->folder, folder, sizeof folder);
	emr_show(one->name, name, sizeof name);
	emr_time_json((int64_t)one->saved_unix_s, at);
	emr_moment_text(at, saved);
	if (name[0] == '\0')
		strcpy(name, "?");
	if (one->is_changed)
		emr_say(l->left->out, "  %s/%s, saved by somebody else since: it stays\n", folder,
			name);
	else if (one->is_new && one->is_let_in)
		emr_say(l->left->out, "  %s/%s, put there %s by a key that it let in\n", folder,
			name, saved);
	else if (one->is_new)
		emr_say(l->left->out, "  %s/%s, put there %s\n", folder, name, saved);
	else if (one->is_let_in)
		emr_say(l->left->out, "  %s/%s, changed there %s by a key that it let in\n", folder,
			name, saved);
	else
		emr_say(l->left->out, "  %s/%s, changed there %s\n", folder, name, saved);
}

/* The N from ALL on are of one folder. */
static void say_folder(const leaving *l, const emr_saved *all, size_t n)
{
	char first[EMR_TEXT_BYTES], last[EMR_TEXT_BYTES], at[EMR_TEXT_BYTES], folder[1100];
	uint64_t from = UINT64_MAX, to = 0;
	size_t its = 0;

	for (size_t i = 0; i < n; i++) {
		if (n <= NAMED || all[i].is_changed) {
			say_saved(l, &all[i]);
			continue;
		}
		its++;
		from = all[i].saved_unix_s < from ? all[i].saved_unix_s : from;
		to = all[i].saved_unix_s > to ? all[i].saved_unix_s : to;
	}
	if (its == 0)
		return;
	emr_show(all[0].folder, folder, sizeof folder);
	emr_time_json((int64_t)from, at);
	emr_moment_text(at, first);
	emr_time_json((int64_t)to, at);
	emr_moment_text(at, last);
	emr_say(l->left->out, "  %s: %zu files, saved from %s to %s\n", folder, its, first, last);
}

static void say_all(const leaving *l, size_t n)
{
	const emr_saved *all = (const emr_saved *)(const void *)l->ones.data;

	for (size_t from = 0, to; from < n; from = to) {
		for (to = from + 1; to < n && strcmp(all[to].folder, all[from].folder) == 0;)
			to++;
		say_folder(l, &all[from], to - from);
	}
}

/* How many of those that were shown are the computer's still. */
static size_t its_still(const leaving *l)
{
	const emr_saved *all = (const emr_saved *)(const void *)l->ones.data;
	size_t n = 0;

	for (size_t i = 0; i < l->ones.len / sizeof *all; i++)
		n += !all[i].is_changed;
	return n;
}

/* Files that it saved before it was stolen are not taken away without being seen: a yes that was
 * given beforehand says since when. */
static bool says_yes(const device_left *left)
{
	return left->args->given[EMR_OPT_YES]
		       ? left->args->given[EMR_OPT_SINCE]
		       : can_ask(left) &&
				 emr_terminal_says_yes("These were saved by it in folders that you "
						       "share.  Should they be taken out of "
						       "there, to .emrfs/deleted (yes, no)?");
}

static emr_status end_saved(const device_left *left)
{
	AUTO_LEAVING l = {.left = left, .list = json_array()};
	emr_status status = l.list == NULL ? EMR_NO_MEMORY : EMR_OK;
	char word[EMR_PROBLEM_TEXT_BYTES];
	size_t n, its, ended = 0;
	bool ends;

	emr_shell_name(left->name, word, sizeof word);
	if (status == EMR_OK)
		status = emr_share_saved(
			left->of.share, left->device, left->since_unix_s, note_saved, &l);
	n = l.ones.len / sizeof(emr_saved);
	its = its_still(&l);
	if (status != EMR_OK || n == 0)
		return status == EMR_OK ? note_ended(&l, "saved", false) : status;
	say_all(&l, n);
	ends = its > 0 && says_yes(left);
	if (ends)
		status = emr_share_saved_end(left->of.share, left->device, left->since_unix_s,
			(const emr_saved *)(const void *)l.ones.data, n, &ended);
	if (status == EMR_OK)
		status = note_ended(&l, "saved", ends);
	if (status != EMR_OK || its == 0)
		return status;
	if (!ends)
		emr_say(left->out,
			"They stay where they are. To take out what it saved since it was lost: "
			"emrfs device remove --yes --since TIME %s\n",
			word);
	else
		emr_say(left->out, "They lie in .emrfs/deleted now, and nothing of them is lost. "
				   "To get one back: emrfs restore\n");
	if (ends && ended < its)
		emr_say(left->out, "What somebody saved in the meantime stays.\n");
	return EMR_OK;
}

emr_status device_left_end(const device_left *left)
{
	EMR_TRY(end_carried(left));
	return end_saved(left);
}
