/* This file is `emrfs device`: it adds another computer of the same person, accepts it there,
 * lists the computers, and removes one that was lost. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "keyring/card.h"
#include "keyring/coowned.h"
#include "kit/json.h"
#include "kit/language.h"
#include "kit/terminal.h"
#include "kit/text.h"
#include "mount/client.h"
#include "mount/devices.h"
#include "network/device_file.h"
#include "network/network_adopt.h"
#include "network/own_dir.h"
#include "session/absence.h"
#include "session/acting.h"
#include "session/keys.h"
#include "session/network_dir.h"
#include "session/registered.h"
#include "session/session.h"
#include "session/shared_blocks.h"
#include "session/stage.h"
#include "served/client.h"
#include "share/devices.h"
#include "verbs/cmd.h"

#include "verbs_private.h"

#define VALID_S ((uint64_t)10 * 365 * 86400) /* of a device's key; there is no renewal yet */
#define ANSWER_MS 60000

typedef struct devices {
	const emr_args *args;
	emr_out *out;
	emr_acting acting;
	emr_settings settings;
	json_t *list;
	const char *name; /* looked for */
	emr_id32 found;
	bool is_found;
	json_t *strangers, *ended;
} devices;

static void devices_end(devices *d)
{
	emr_acting_end(&d->acting);
	emr_settings_free(&d->settings);
	json_decref(d->list);
	json_decref(d->strangers);
	json_decref(d->ended);
}

static emr_status wrong_use(emr_problem *out_problem)
{
	return emr_wrong_use("device",
		_("device takes add NAME -o FILE, accept FILE, or remove NAME."), out_problem);
}

/* ---- the list ---- */

static void say_device(const devices *d, const json_t *one)
{
	char name[300], added[EMR_TEXT_BYTES], seen[EMR_TEXT_BYTES];
	const char *called = name;
	const char *is_this = emr_json_flag_at(one, "this") ? _("  this computer") : "";

	emr_show(emr_json_text_at(one, "name"), name, sizeof name);
	if (emr_json_flag_at(one, "first"))
		called = _("(first computer)");
	emr_moment_text(emr_json_text_at(one, "added_at"), added);
	if (emr_json_flag_at(one, "only_reads")) {
		emr_say(d->out, "%-20s added %s, only reads%s\n", called, added, is_this);
		return;
	}
	if (!json_is_string(json_object_get(one, "seen_at"))) {
		emr_say(d->out, "%-20s added %s, has saved nothing yet%s\n", called, added,
			is_this);
		return;
	}
	emr_moment_text(emr_json_text_at(one, "seen_at"), seen);
	emr_say(d->out, "%-20s added %s, last saved something %s%s\n", called, added, seen,
		is_this);
}

static const char *what_it_may(const json_t *one)
{
	const char *kind = emr_json_text_at(one, "kind");

	return strcmp(kind, "manager") == 0  ? _("may change and share your folders as you may")
	       : strcmp(kind, "writer") == 0 ? _("may write in your folders, and not by your word")
					     : _("may read your folders, and not by your word");
}

static void say_key(const devices *d, const json_t *one, const char *what)
{
	char name[400];

	emr_show(emr_json_text_at(one, "organisation"), name, sizeof name);
	emr_say(d->out, "key %s%s%s%s %s\n", emr_json_text_at(one, "key"),
		name[0] != '\0' ? " (" : "", name, name[0] != '\0' ? ")" : "", what);
}

/* Of the keyring that was opened for it. */
static emr_devices_of own(const devices *d)
{
	return (emr_devices_of){.keyring = d->acting.session.keyring,
		.replica = d->acting.session.replica,
		.descriptor = emr_ledger_descriptor(d->acting.session.ledger),
		.share = d->acting.share};
}

static emr_status say_ended(const devices *d, const emr_stranger *s)
{
	const emr_devices_of of = own(d);
	json_t *one = NULL;

	EMR_TRY(emr_stranger_json(&of, s, &one));
	for (size_t i = 0; i < json_array_size(d->ended); i++)
		if (json_equal(json_array_get(d->ended, i), one)) {
			json_decref(one);
			return EMR_OK;
		}
	say_key(d, one,
		s->kind == EMR_STRANGER_MANAGER
			? _("could do in your folders what you may, and was "
			    "no computer of yours: ended")
		: s->kind == EMR_STRANGER_WRITER ? _("could write there by its word: ended")
						 : _("could read there by its word: ended"));
	return json_array_append_new(d->ended, one) == 0 ? EMR_OK : EMR_NO_MEMORY;
}

/* With the folder closed: by the passphrase. */
static emr_status look_here(devices *d, emr_problem *out_problem)
{
	emr_devices_of of;

	EMR_TRY(emr_acting_keys(&d->acting, d->args, out_problem));
	EMR_TRY(emr_acting_open(&d->acting, out_problem));
	of = own(d);
	EMR_TRY(emr_devices_json(&of, &d->list));
	return emr_strangers_json(&of, &d->strangers);
}

/* The open folder knows it, and has nothing to sign for it. */
static emr_status ask_folder(devices *d, emr_client *client, emr_problem *out_problem)
{
	const emr_request request = {.ask = EMR_ASK_DEVICES};
	json_t *answer = NULL;

	EMR_TRY(emr_client_ask(client, &request, ANSWER_MS, &answer, out_problem));
	d->list = json_incref(json_object_get(answer, "devices"));
	d->strangers = json_incref(json_object_get(answer, "strangers"));
	json_decref(answer);
	return EMR_OK;
}

static emr_status list(devices *d, emr_problem *out_problem)
{
	EMR_AUTO_PLACES places = {0};
	EMR_AUTO_CLIENT client = EMR_CLIENT_CLOSED;
	emr_problem closed = {0};

	EMR_TRY(emr_places_find(d->args->values[EMR_OPT_AS], &places, out_problem));
	EMR_TRY(emr_client_open(&places, &client, &closed) == EMR_OK
			? ask_folder(d, &client, out_problem)
			: look_here(d, out_problem));
	for (size_t i = 0; i < json_array_size(d->list); i++)
		say_device(d, json_array_get(d->list, i));
	for (size_t i = 0; i < json_array_size(d->strangers); i++)
		say_key(d, json_array_get(d->strangers, i),
			what_it_may(json_array_get(d->strangers, i)));
	if (json_array_size(d->strangers) > 0)
		emr_say(d->out, "None of these keys is a computer of yours. To end them: emrfs "
				"device remove KEY\n");
	emr_out_put(d->out, "devices", json_incref(d->list));
	emr_out_put(d->out, "strangers", json_incref(d->strangers));
	return EMR_OK;
}

/* ---- adding ---- */

static void say_device_problem(const devices *d, emr_status status, emr_problem *out_problem)
{
	const char *name = d->args->operands[1];

	if (status == EMR_DENIED)
		emr_problem_set(out_problem, EMR_SAY_NOT_FIRST_COMPUTER, NULL);
	else if (status == EMR_EXISTS)
		emr_problem_set(out_problem, EMR_SAY_DEVICE_TAKEN, "who", name, NULL);
	else if (status == EMR_NOT_FOUND)
		emr_problem_set(out_problem, EMR_SAY_UNKNOWN_DEVICE, "who", name, NULL);
	else
		emr_problem_set_status(out_problem, status, _("The ledger"));
}

static emr_status ask_yes(const devices *d, emr_problem *out_problem)
{
	if (d->args->given[EMR_OPT_YES])
		return EMR_OK;
	if (emr_terminal_there() && !d->out->is_json &&
		emr_terminal_says_yes(
			"The other computer will read and change everything. Add it (yes, no)?"))
		return EMR_OK;
	return EMR_PROBLEM(EMR_DENIED, out_problem, EMR_SAY_DEVICE_NEEDS_YES, "who",
		d->args->operands[1], NULL);
}

/* With the folder closed, and nobody else at it. */
static emr_status move_network(devices *d, const char *wanted, emr_problem *out_problem)
{
	const emr_session_options options = {.places = &d->acting.places};
	EMR_AUTO_FREE char *dir = emr_path_real(wanted);
	emr_session session = EMR_SESSION_CLOSED;
	emr_status status =
		dir != NULL ? emr_session_lock(&session, &options, out_problem) : EMR_NO_MEMORY;

	if (status == EMR_OK)
		status = emr_network_adopt(d->acting.session.state_fd, dir,
			emr_keyring_device_id(d->acting.session.keyring), out_problem);
	emr_session_close(&session);
	return status;
}

static emr_status find_network(devices *d, char **out_dir, emr_problem *out_problem)
{
	const char *wanted = d->args->values[EMR_OPT_NETWORK];
	emr_status status = wanted != NULL ? move_network(d, wanted, out_problem) : EMR_OK;

	if (status == EMR_OK)
		status = emr_network_dir_of(d->acting.session.state_fd, out_dir);
	if (status == EMR_NOT_FOUND)
		emr_problem_set(
			out_problem, EMR_SAY_NEEDS_NETWORK, "who", d->args->operands[1], NULL);
	if (status == EMR_OK)
		status = emr_network_dir_check(*out_dir, out_problem);
	return status;
}

static emr_status add_to(devices *d, const char *dir, emr_problem *out_problem)
{
	const char *name = d->args->operands[1], *file = d->args->values[EMR_OPT_CARD_FILE];
	EMR_AUTO_KEYRING device = NULL;
	EMR_AUTO_BUF bytes = {0};
	emr_status status;

	EMR_TRY(emr_acting_open(&d->acting, out_problem));
	EMR_TRY(verb_device_make(d->acting.session.keyring, &d->settings.kdf, &device));
	EMR_TRY(emr_keyring_give_copies(d->acting.session.keyring, device));
	EMR_TRY(verb_device_seal(&d->acting.session, &d->settings.kdf,
		emr_passphrase_view(&d->acting.passphrase), device, dir, &bytes, out_problem));
	/* The file first: should this end in between, there is a device without rights, not rights
	 * without a device. */
	EMR_TRY(verb_write_new(file, emr_buf_view(&bytes), out_problem));
	status = emr_share_device_add(d->acting.share, device, name, false,
		emr_clock_unix_s(emr_clock_system()) + VALID_S);
	if (status == EMR_OK)
		return EMR_OK;
	(void)unlink(file);
	say_device_problem(d, status, out_problem);
	return status;
}

static emr_status add_device(devices *d, emr_problem *out_problem)
{
	EMR_AUTO_FREE char *dir = NULL;
	const char *file = d->args->values[EMR_OPT_CARD_FILE], *name = d->args->operands[1];
	char word[EMR_PROBLEM_TEXT_BYTES];

	if (file == NULL || name[0] == '\0' || strlen(name) > EMR_DEVICE_NAME_MAX ||
		!emr_card_name_ok(name))
		return wrong_use(out_problem);
	EMR_TRY(ask_yes(d, out_problem));
	EMR_TRY(emr_acting_keys(&d->acting, d->args, out_problem));
	EMR_TRY(emr_keys_refuse_guardians(d->acting.session.state_fd, "device", out_problem));
	EMR_TRY(emr_settings_read(&d->acting.places, &d->settings, out_problem));
	if (emr_keyring_kind_of(d->acting.session.keyring) != EMR_KEYRING_PERSON) {
		say_device_problem(d, EMR_DENIED, out_problem);
		return EMR_DENIED;
	}
	EMR_TRY(find_network(d, &dir, out_problem));
	EMR_TRY(add_to(d, dir, out_problem));
	emr_out_text(d->out, "name", name);
	emr_out_text(d->out, "file", file);
	emr_out_text(d->out, "network", dir);
	emr_shell_word(file, word, sizeof word);
	emr_say(d->out,
		"%s may open your folder now. On that computer: emrfs device accept %s (the same "
		"passphrase).\n"
		"Whoever has the file and your passphrase can use it; members of the network see "
		"the name.\n",
		name, word);
	return EMR_OK;
}

/* ---- accepting ---- */

typedef struct accepting {
	emr_places places;
	emr_stage stage;
	emr_session session;
	char *dir;	    /* of the network; owned */
	char address[4200]; /* of its host, or DIR */
	bool own_dir_made;  /* in the state */
} accepting;

static emr_status read_device_file(
	const char *name, emr_buf *bytes, emr_device_file *out, emr_problem *out_problem)
{
	emr_status status = emr_file_read(AT_FDCWD, name, EMR_DEVICE_FILE_MAX, bytes);

	if (status == EMR_OK)
		status = emr_device_file_read(emr_buf_view(bytes), out);
	if (status == EMR_NOT_FOUND)
		emr_problem_set(out_problem, EMR_SAY_NO_SUCH_FILE, "path", name, "cause",
			emr_text(emr_status_text(status)), NULL);
	else if (status != EMR_OK)
		emr_problem_set(out_problem, EMR_SAY_BAD_DEVICE_FILE, "file", name, NULL);
	return status;
}

static emr_status fill_stage(
	accepting *a, const devices *d, const emr_device_file *file, emr_problem *out_problem)
{
	emr_status status =
		emr_file_create(a->session.state_fd, EMR_STATE_KEYFILE, file->keyfile, 0600);

	if (status == EMR_OK)
		status = emr_file_create(
			a->session.state_fd, EMR_STATE_PROFILE, file->profile, 0600);
	if (status == EMR_OK)
		status = emr_network_dir_link(a->session.state_fd, a->dir);
	if (status != EMR_OK)
		return EMR_PROBLEM_STATUS(out_problem, status, a->places.state);
	return emr_keys_open(a->session.state_fd, a->session.state_path,
		d->args->values[EMR_OPT_PASSPHRASE_FILE], &a->session.keyring, out_problem);
}

/* As a mount would: what cannot be opened here is said now. */
static emr_status prove(accepting *a, emr_problem *out_problem)
{
	emr_status status = emr_session_open_parts(&a->session, out_problem), followed = EMR_OK;
	EMR_AUTO_FACTS_WALK all = {.facts = NULL};
	emr_place place;
	emr_meta meta;
	uint64_t n = 0;

	if (status == EMR_OK)
		status = emr_session_begin(&a->session, &followed, out_problem);
	if (status == EMR_OK) {
		all = emr_facts_all(a->session.facts);
		while (emr_facts_next(&all, &place, &meta))
			n++;
		status = all.status == EMR_OK && n == 0 ? EMR_NOT_FOUND : all.status;
	}
	/* A computer that heard nothing of the ledger has not heard that it was removed. */
	if (status != EMR_OK && a->session.ledger != NULL)
		(void)emr_absence_say_refusal(&a->session, a->session.ledger, out_problem);
	if (status != EMR_OK && !out_problem->is_set && emr_status_may_pass(followed))
		emr_problem_set(out_problem, EMR_SAY_HOST_AWAY, "node", a->address, NULL);
	else if (status != EMR_OK && !out_problem->is_set)
		emr_problem_set(out_problem, EMR_SAY_DEVICE_REMOVED, NULL);
	return status;
}

static emr_status take_place(accepting *a, emr_problem *out_problem)
{
	EMR_AUTO_FD stage = dup(a->session.state_fd);
	emr_id16 device = emr_keyring_device_id(a->session.keyring);

	emr_session_close(&a->session);
	EMR_TRY(stage >= 0 ? emr_blocks_share(stage, a->dir, device, out_problem) : EMR_IO);
	return emr_stage_move_in(&a->stage);
}

/* The directory in FILE; or, where a host serves the network, one in the state. */
static emr_status find_dir(accepting *a, const emr_device_file *file, const char *named,
	emr_out *out, emr_problem *out_problem)
{
	EMR_AUTO_BUF way = {0};
	emr_served_at at;

	a->dir = strndup((const char *)file->dir.data, file->dir.len);
	if (a->dir == NULL)
		return EMR_NO_MEMORY;
	snprintf(a->address, sizeof a->address, "%.4000s", a->dir);
	if (file->channel.len == 0)
		return emr_network_dir_check(a->dir, out_problem);
	free(a->dir);
	a->dir = NULL;
	EMR_TRY(emr_buf_append(&way, file->channel.data, file->channel.len));
	EMR_TRY(emr_own_dir_readdress(named, &way, out_problem));
	if (emr_served_at_read(emr_buf_view(&way), &at) == EMR_OK)
		snprintf(a->address, sizeof a->address, "%s",
			at.socket[0] != '\0' ? at.socket : at.url);
	EMR_TRY(emr_own_dir_allow(emr_buf_view(&way), named, out, out_problem));
	a->own_dir_made = true;
	return emr_own_dir_make(a->stage.state_fd, a->places.state, emr_buf_view(&way),
		file->descriptor, &a->dir, out_problem);
}

static emr_status accept_into(devices *d, accepting *a, emr_problem *out_problem)
{
	EMR_AUTO_BUF bytes = {0};
	EMR_AUTO_BUF reads = {0};
	emr_device_file file;
	bool only_reads;

	EMR_TRY(read_device_file(d->args->operands[1], &bytes, &file, out_problem));
	EMR_TRY(emr_places_find(d->args->values[EMR_OPT_AS], &a->places, out_problem));
	EMR_TRY(emr_keys_protect(out_problem));
	EMR_TRY(emr_stage_claim(&a->stage, &a->places, out_problem));
	EMR_TRY(find_dir(a, &file, d->args->values[EMR_OPT_NETWORK], d->out, out_problem));
	EMR_TRY(emr_stage_make(&a->stage, &a->places, &a->session, out_problem));
	EMR_TRY(fill_stage(a, d, &file, out_problem));
	EMR_TRY(prove(a, out_problem));
	only_reads = emr_keyring_tlv_get(a->session.keyring, EMR_KEYRING_READS, &reads) == EMR_OK;
	EMR_TRY(take_place(a, out_problem));
	emr_out_text(d->out, "folder", a->places.state);
	emr_out_text(d->out, "network", a->dir);
	emr_say(d->out,
		only_reads ? N_("The records can be read here now. %s is not needed any more.\n")
			   : N_("This computer is one of yours now. %s is not needed any more.\n"),
		d->args->operands[1]);
	emr_say_to_open(d->out);
	return EMR_OK;
}

static emr_status accept_file(devices *d, emr_problem *out_problem)
{
	accepting a = {.stage = EMR_STAGE_NONE, .session = EMR_SESSION_CLOSED};
	emr_status status = accept_into(d, &a, out_problem);

	emr_session_close(&a.session);
	if (a.own_dir_made && !a.stage.is_whole)
		(void)!emr_stage_remove_tree(a.stage.state_fd, EMR_STATE_NETWORK);
	free(a.dir);
	emr_stage_end(&a.stage, d->out);
	emr_places_free(&a.places);
	return status;
}

/* ---- removing ---- */

static emr_status find_device(devices *d)
{
	EMR_AUTO_BUF all = {0};

	EMR_TRY(emr_share_devices(d->acting.share, &all));
	EMR_EACH (const emr_device, device, &all) {
		/* A removal that was interrupted has revoked the key already: the last one of that
		 * name is meant. */
		if (device->is_first || strcmp(device->name, d->name) != 0 ||
			(d->is_found && !device->is_active))
			continue;
		d->found = device->signer_id;
		d->is_found = true;
	}
	return EMR_OK;
}

/* By its name; what is no computer of hers has none, and is named by its key in the list. */
static emr_status remove_found(devices *d)
{
	EMR_AUTO_BUF strangers = {0}, ended = {0};
	char key[2 * EMR_STRANGER_KEY_BYTES + 1];
	bool is_stranger = false;
	emr_status status = EMR_NOT_FOUND;

	d->ended = json_array();
	if (d->ended == NULL)
		return EMR_NO_MEMORY;
	if (!d->is_found)
		EMR_TRY(emr_strangers(d->acting.session.keyring, d->acting.session.replica,
			(uint64_t)emr_clock_unix_s(emr_clock_system()), &strangers));
	EMR_EACH (const emr_stranger, s, &strangers) {
		emr_hex(s->who.b, EMR_STRANGER_KEY_BYTES, key);
		is_stranger |= strcmp(key, d->name) == 0;
	}
	if (d->is_found)
		status = emr_share_device_remove(d->acting.share, d->found, &ended);
	else if (is_stranger)
		status = emr_share_end_strangers(d->acting.share, &ended);
	EMR_EACH (const emr_stranger, s, &ended) /* also before an error */
		EMR_TRY(say_ended(d, s));
	return status;
}

static emr_status remove_one(devices *d, emr_problem *out_problem)
{
	emr_status status;

	d->name = d->args->operands[1];
	EMR_TRY(emr_acting_keys(&d->acting, d->args, out_problem));
	EMR_TRY(emr_acting_open(&d->acting, out_problem));
	status = find_device(d);
	if (status == EMR_OK)
		status = remove_found(d);
	if (status == EMR_OK)
		status = emr_acting_forget_opened(&d->acting);
	if (status != EMR_OK) {
		say_device_problem(d, status, out_problem);
		return status;
	}
	emr_out_text(d->out, "name", d->name);
	emr_out_put(d->out, "ended", json_incref(d->ended));
	if (!d->is_found)
		return EMR_OK; /* what ended was said */
	emr_say(d->out,
		"%s opens nothing any more of what is saved from now on. What was on it when it "
		"was lost is as safe as its passphrase.\n",
		d->name);
	return EMR_OK;
}

emr_status emr_cmd_device(const emr_args *args, emr_out *out, emr_problem *out_problem)
{
	__attribute__((cleanup(devices_end)))
	devices d = {.args = args, .out = out, .acting = EMR_ACTING_NONE};
	const char *what = args->n_operands == 2 ? args->operands[0] : "";

	if (args->n_operands == 0)
		return list(&d, out_problem);
	if (strcmp(what, "add") == 0)
		return add_device(&d, out_problem);
	if (strcmp(what, "accept") == 0)
		return accept_file(&d, out_problem);
	if (strcmp(what, "remove") == 0)
		return remove_one(&d, out_problem);
	return wrong_use(out_problem);
}
