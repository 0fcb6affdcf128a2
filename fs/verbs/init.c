/* This file is `emrfs init`, and does the same for `org create`: it makes a keyring with its 24
 * words, and a ledger, or joins a network. Until everything is whole, no keyring is there. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/day.h"
#include "base/log.h"
#include "contract/codes.h"
#include "contract/item.h"
#include "keyring/card.h"
#include "keyring/words.h"
#include "kit/language.h"
#include "kit/passphrase.h"
#include "kit/terminal.h"
#include "kit/text.h"
#include "ledger/hash.h"
#include "ledger/network.h"
#include "network/applying.h"
#include "network/begun.h"
#include "network/founding.h"
#include "network/joining.h"
#include "network/enrolling.h"
#include "network/own_dir.h"
#include "session/keys.h"
#include "session/network_dir.h"
#include "session/session.h"
#include "session/shared_blocks.h"
#include "session/stage.h"
#include "verbs/cmd.h"

#include "verbs_private.h"

#define SLIPS_MAX 5 /* at one question */

/* Everything is made in a directory of its own inside the state; its parts get their places last,
 * the keyfile after all others.  Whatever happens before that leaves no keyring behind. */
typedef struct making {
	const emr_args *args;
	emr_out *out;
	emr_places places;
	emr_settings settings;
	emr_passphrase passphrase;
	emr_stage stage;
	emr_session session; /* of the stage */
	emr_profile profile;
	bool words_checked;
	char *network_dir; /* of a network of several members, that is made or joined; owned; NULL:
			      a ledger of one's own */
	const char *org_name; /* made for this organisation; NULL: not made here */
	bool is_applying;     /* for a network that is there */
	char *channel;	      /* the directory of the backend's socket, with --channel; owned */
	emr_network_in_channel found; /* there */
	emr_begun begun;	      /* of an organisation, on Fabric */
	emr_joining joining;	      /* the invitation, with --join */
	int64_t within_ns;
	bool dir_made, dir_used; /* to be taken away again unless it is used */
	bool own_dir_made;	 /* the same, of the one in the state */
	bool opens;		 /* the folder is opened next */
	bool has_guardians;	 /* who open it: there are no words */
} making;

static void making_end(making *m)
{
	emr_session_close(&m->session);
	if (m->dir_made && !m->dir_used)
		emr_network_dir_unmake(m->network_dir);
	if (m->own_dir_made && !m->dir_used)
		(void)!emr_stage_remove_tree(m->stage.state_fd, EMR_STATE_NETWORK);
	emr_joining_free(&m->joining);
	emr_buf_free(&m->begun.what);
	free(m->network_dir);
	free(m->channel);
	emr_network_in_channel_free(&m->found);
	emr_stage_end(&m->stage, m->out);
	emr_passphrase_free(&m->passphrase);
	emr_settings_free(&m->settings);
	emr_places_free(&m->places);
}

static bool is_agent(const making *m)
{
	return m->joining.dir != NULL && m->joining.invitation.roles == EMR_ROLE_AGENT;
}

/* Of nothing but this computer: the other ends hear of theirs. */
static bool is_alone(const making *m)
{
	return m->joining.dir == NULL && m->org_name == NULL;
}

/* With what it is begun for: an invitation's bytes, or EMR_BEGUN_ALONE. */
static emr_status keep_begun(making *m, emr_bytes certificate, emr_bytes purpose)
{
	const emr_id32 hash = emr_sha256_of(&purpose, 1);

	return emr_begun_keep(
		&m->begun, m->session.keyring, certificate, emr_bytes_of(hash.b, sizeof hash.b));
}

/* ---- the 24 words ---- */

/* After a wrong word at three tries the words are shown again, because the paper may be wrong. */
static emr_status show_and_ask_back(making *m, emr_problem *out_problem)
{
	emr_status status = EMR_WRONG_WORDS;

	for (int i = 0; i < SLIPS_MAX && status == EMR_WRONG_WORDS; i++) {
		*out_problem = (emr_problem){0};
		status = emr_words_show(
			m->session.keyring, _("\nThen press Enter. They leave the screen, and "
					      "three of them are asked.\n"));
		if (status == EMR_OK)
			status = emr_words_ask_back(m->session.keyring, m->out, out_problem);
	}
	return status;
}

static emr_status hand_out_words(making *m, emr_problem *out_problem)
{
	const char *file = m->args->values[EMR_OPT_WORDS_FILE];
	bool may_ask = file == NULL && !m->args->given[EMR_OPT_YES] && emr_terminal_there();

	if (file != NULL || is_agent(m) || m->has_guardians)
		return file != NULL ? emr_words_write(m->session.keyring, file, out_problem)
				    : EMR_OK;
	if (!may_ask)
		return EMR_PROBLEM(EMR_DENIED, out_problem, EMR_SAY_NEEDS_WORDS_FILE, NULL);
	emr_progress_end(m->out);
	EMR_TRY(show_and_ask_back(m, out_problem));
	m->words_checked = true;
	m->profile.words_tested_unix_s = emr_clock_unix_s(emr_clock_system());
	return EMR_OK;
}

/* ---- keyring, ledger, folder ---- */

/* The certificate is on the ledger: a person's carries a code, not the name. */
static emr_status code_of(const making *m, const char *prefix, char out[32])
{
	char code[64];
	emr_public identity;

	EMR_TRY(emr_keyring_public(m->session.keyring, &identity));
	emr_base32(identity.signer_id.b, 8, code);
	snprintf(out, 32, "%s-%.8s", prefix, code);
	return EMR_OK;
}

/* The answer may come in days, and the keyring that asks is kept, sealed, until then. */
static bool waits_at_host(const making *m)
{
	char login[EMR_LOGIN_MAX + 1];

	return m->joining.dir != NULL && !emr_login_carried(m->joining.invitation.place, login);
}

static bool has_certificate(const making *m, emr_buf *out)
{
	return emr_keyring_tlv_get(m->session.keyring, EMR_KEYRING_CERTIFICATE, out) == EMR_OK &&
	       out->len > 0;
}

/* By the organisation, or as it came to a try before that was ended. */
static emr_status get_certificate(
	making *m, const char *handle, emr_buf *out, emr_problem *out_problem)
{
	const emr_bytes invitation = emr_buf_view(&m->joining.bytes);
	emr_status status;

	if (has_certificate(m, out))
		return emr_joining_check(&m->joining, out_problem);
	emr_buf_clear(out);
	if (waits_at_host(m))
		EMR_TRY(keep_begun(m, (emr_bytes){0}, invitation));
	emr_progress(m->out,
		"Waiting for %s: its administrator's open folder lets you in, or emrfs invite "
		"there ...",
		m->joining.invitation.network);
	status = emr_joining_ask(
		&m->joining, m->session.keyring, handle, m->within_ns, out, out_problem);
	emr_progress_end(m->out);
	if (status == EMR_DENIED && waits_at_host(m)) /* nothing comes of it any more */
		(void)!emr_begun_forget(m->stage.state_fd, &m->begun.file);
	return status == EMR_OK ? keep_begun(m, emr_buf_view(out), invitation) : status;
}

/* The ledger takes a key once: of a try that was ended behind that it has this one already. */
static emr_status register_key(making *m, emr_bytes certificate, emr_problem *out_problem)
{
	bool is_patient = m->joining.invitation.roles == EMR_ROLE_PATIENT;
	const char *name = is_patient ? "" : m->profile.name;
	emr_problem ignored = {0};
	emr_status status, followed;

	status = emr_joining_enter(&m->joining, m->session.keyring, certificate, name);
	if (status == EMR_REFUSED &&
		emr_session_open_copy(&m->session, false, &followed, &ignored) == EMR_OK &&
		followed == EMR_OK)
		status = emr_joining_register(&m->joining, m->session.keyring, certificate, name,
			m->session.ledger, m->session.replica);
	if (status == EMR_REFUSED) { /* nothing comes of it any more */
		(void)!emr_begun_forget(m->stage.state_fd, &m->begun.file);
		emr_joining_say_refused(out_problem);
	}
	return status;
}

/* The words come first: whoever does not get to their end is nobody on the ledger, and the same
 * line goes on with the same key. */
static emr_status join_network(
	making *m, const char *handle, emr_buf *certificate, emr_problem *out_problem)
{
	emr_status status = get_certificate(m, handle, certificate, out_problem);

	if (status == EMR_OK)
		status = hand_out_words(m, out_problem);
	if (status == EMR_OK)
		status = register_key(m, emr_buf_view(certificate), out_problem);
	if (status != EMR_OK && !out_problem->is_set)
		emr_problem_set_status(out_problem, status, "Joining");
	return status;
}

static emr_login login_of(const emr_args *args)
{
	return (emr_login){.id = args->values[EMR_OPT_LOGIN],
		.secret_file = args->values[EMR_OPT_SECRET_FILE]};
}

/* The administrator's certificate, where the organisation has an authority of its own. */
typedef struct certifying {
	const making *making;
	emr_problem *problem;
} certifying;

static emr_status certify(void *arg, emr_buf *out_ca, emr_buf *out_certificate)
{
	const certifying *c = arg;
	const emr_login login = login_of(c->making->args);
	EMR_AUTO_CA_CERTIFICATE got = {{0}, {0}};

	EMR_TRY(emr_enrol_admin(
		c->making->network_dir, c->making->session.keyring, &login, &got, c->problem));
	EMR_TRY(emr_buf_append(out_ca, got.root.data, got.root.len));
	return emr_buf_append(out_certificate, got.chain.data, got.chain.len);
}

static bool is_text(emr_span span, const char *text)
{
	return span.len == strlen(text) && memcmp(span.data, text, span.len) == 0;
}

/* The network that was begun before is this organisation's, or nothing was begun. */
static emr_status take_up(const making *m, const char *msp, emr_network_new *options,
	emr_buf *certificate, emr_problem *out_problem)
{
	const emr_bytes what = emr_buf_view(&m->begun.what);
	const emr_span bytes = {what.data, what.len};
	emr_descriptor network;
	emr_descriptor_org org;
	emr_status status;

	if (what.len == 0)
		return EMR_OK;
	if (emr_descriptor_parse(bytes, &network) != EMR_CONTRACT_OK ||
		emr_descriptor_org_at(&network, 0, &org) != EMR_CONTRACT_OK ||
		!is_text(network.name, m->org_name) || !is_text(org.msp, msp))
		return emr_begun_say_other(&m->begun, m->org_name, out_problem);
	status = emr_keyring_tlv_get(m->session.keyring, EMR_KEYRING_CERTIFICATE, certificate);
	options->begun_descriptor = what;
	options->begun_certificate = emr_buf_view(certificate);
	return status;
}

static emr_founding founding_of(making *m, emr_problem *out_problem)
{
	return (emr_founding){.dir = m->network_dir,
		.channel = m->channel,
		.keyring = m->session.keyring,
		.begun = &m->begun,
		.problem = out_problem};
}

/* A network that has begun in the channel, and not by what was begun here before. */
static emr_status meet_channel(making *m, emr_problem *out_problem)
{
	const emr_founding founding = founding_of(m, out_problem);
	const emr_bytes there = emr_buf_view(&m->found.descriptor);

	if (there.len == 0 || (emr_bytes_equal(there, emr_buf_view(&m->begun.what)) &&
				      !emr_network_dir_is(m->network_dir)))
		return EMR_OK;
	m->is_applying = true;
	return m->own_dir_made ? EMR_OK : emr_founding_settle(&founding, there, &m->dir_made);
}

static emr_status create_network(
	making *m, const char *handle, emr_buf *certificate, emr_problem *out_problem)
{
	char path[4400];
	EMR_AUTO_BUF begun = {0}; /* the certificate */
	emr_founding founding = founding_of(m, out_problem);
	emr_network_new options = {.path = path,
		.keyring = m->session.keyring,
		.name = m->org_name != NULL ? m->org_name : EMR_NETWORK_ALONE,
		.handle = handle,
		.channel = m->channel};
	const char *ca = m->args->values[EMR_OPT_LOGIN_CA];
	certifying authority = {.making = m, .problem = out_problem};
	emr_id16 net_id;
	emr_status status = EMR_OK;

	snprintf(path, sizeof path, "%.4200s/%s",
		m->network_dir != NULL ? m->network_dir : m->stage.path, EMR_STATE_LEDGER);
	if (m->network_dir != NULL) {
		status = emr_network_dir_make(m->network_dir, out_problem);
		m->dir_made = status == EMR_OK;
	}
	if (status == EMR_OK)
		status = emr_login_keep(m->network_dir, ca, "org", out_problem);
	if (status == EMR_OK && m->network_dir != NULL && emr_login_is_there(m->network_dir)) {
		options.certify = certify;
		options.certify_arg = &authority;
	}
	if (status == EMR_OK && m->channel != NULL) {
		options.msp = m->found.msp;
		options.begin = emr_founding_begin;
		options.begin_arg = &founding;
		status = take_up(m, options.msp, &options, &begun, out_problem);
	}
	if (status == EMR_OK)
		status = emr_network_create(&options, &net_id, certificate);
	if (status == EMR_FORK && m->channel != NULL)
		emr_problem_set(out_problem, EMR_SAY_NETWORK_DIR, "dir", m->channel, "cause",
			_("another network has begun in its channel"), NULL);
	return status;
}

/* Whatever an init that was interrupted left of it gives way. */
static emr_status settle_in(making *m, emr_problem *out_problem)
{
	emr_status status = emr_stage_remove_tree(m->stage.state_fd, EMR_STATE_NETWORK);

	if (status == EMR_NOT_FOUND)
		status = EMR_OK;
	m->own_dir_made = status == EMR_OK;
	return status == EMR_OK ? emr_joining_settle_in(&m->joining, out_problem) : status;
}

/* It was ended between its network and its keyfile. */
static bool is_founded(const making *m)
{
	return m->is_applying && m->begun.what.len > 0 &&
	       emr_network_dir_has(m->network_dir, emr_buf_view(&m->begun.what));
}

static emr_status make_network(making *m, emr_problem *out_problem)
{
	EMR_AUTO_BUF certificate = {0};
	const emr_login login = login_of(m->args);
	const char *ca = m->args->values[EMR_OPT_LOGIN_CA];
	char handle[32];

	EMR_TRY(code_of(m, m->org_name != NULL ? "org" : "patient", handle));
	if (m->joining.own_dir != NULL)
		EMR_TRY(settle_in(m, out_problem));
	if (m->channel != NULL)
		EMR_TRY(meet_channel(m, out_problem));
	if (m->network_dir != NULL)
		EMR_TRY(emr_network_dir_link(m->session.state_fd, m->network_dir));
	if (m->joining.dir != NULL)
		EMR_TRY(join_network(m, handle, &certificate, out_problem));
	else if (is_founded(m))
		EMR_TRY(emr_keyring_tlv_get(
			m->session.keyring, EMR_KEYRING_CERTIFICATE, &certificate));
	else if (m->is_applying) {
		EMR_TRY(emr_login_keep(m->network_dir, ca, "org", out_problem));
		EMR_TRY(emr_applying_do(&m->session, m->network_dir, m->org_name, m->found.msp,
			handle, &login, m->within_ns, &m->begun, m->out, &certificate,
			out_problem));
	} else
		EMR_TRY(create_network(m, handle, &certificate, out_problem));
	return emr_keyring_tlv_set(
		m->session.keyring, EMR_KEYRING_CERTIFICATE, emr_buf_view(&certificate));
}

static emr_status make_folder(making *m, emr_problem *out_problem)
{
	emr_session *s = &m->session;
	const emr_view_options view = {
		.facts = s->facts, .settle = s->settle, .clock = emr_clock_system()};
	emr_status followed;

	EMR_TRY(emr_session_begin(s, &followed, out_problem));
	EMR_TRY(emr_settle_hear(s->settle, followed));
	return emr_view_initialise(&view);
}

/* An agent has no folder: its own copy of the ledger, and a place for fragments. */
static emr_status make_agent(making *m, emr_problem *out_problem)
{
	emr_status status;

	EMR_TRY(emr_session_open_copy(&m->session, true, NULL, out_problem));
	status = emr_dir_make(m->session.state_fd, EMR_STATE_AGENT);
	if (status != EMR_OK)
		emr_problem_set_status(out_problem, status, _("The agent's directory"));
	return status;
}

static bool is_there(const char *file)
{
	return faccessat(AT_FDCWD, file, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool goes_on(const making *m)
{
	return emr_begun_is_there(m->stage.state_fd, &m->begun.file);
}

static emr_status make_keyring(making *m, emr_problem *out_problem)
{
	const char *file = m->args->values[EMR_OPT_WORDS_FILE];
	emr_status status = EMR_NOT_FOUND;

	emr_progress(m->out, "Making your keys ...");
	if (goes_on(m)) {
		emr_say(m->out, "Going on with what was begun before, in %s/%s.\n", m->places.state,
			m->begun.file.name);
		status = emr_begun_open(&m->begun, &m->session.keyring);
		if (status == EMR_OK && file != NULL && is_there(file)) /* it has these words */
			return emr_words_write(m->session.keyring, file, out_problem);
		if (status == EMR_OK || !is_alone(m)) /* nobody knows of that one */
			return status;
	}
	status = emr_keyring_create(is_agent(m) ? EMR_KEYRING_ORGANISATION : EMR_KEYRING_PERSON,
		emr_clock_unix_s(emr_clock_system()), &m->session.keyring);
	/* Killed behind its words, a file of them is not of nobody. */
	return status == EMR_OK && is_alone(m) && file != NULL
		       ? keep_begun(m, (emr_bytes){0}, EMR_BEGUN_ALONE)
		       : status;
}

static emr_status make_all(making *m, emr_problem *out_problem)
{
	emr_status status = make_keyring(m, out_problem);

	if (status == EMR_OK)
		status = make_network(m, out_problem);
	if (status != EMR_OK) {
		if (!out_problem->is_set)
			emr_problem_set_status(out_problem, status, _("The new ledger"));
		return status;
	}
	EMR_TRY(is_agent(m) ? make_agent(m, out_problem)
			    : emr_session_open_parts(&m->session, out_problem));
	status = is_agent(m) ? EMR_OK : make_folder(m, out_problem);
	/* The keyring remembers which network is its own. */
	if (status == EMR_OK)
		status = emr_network_dir_note(
			m->session.keyring, emr_ledger_descriptor(m->session.ledger));
	if (status == EMR_OK)
		status = emr_keyring_public(m->session.keyring, &m->session.identity);
	if (status != EMR_OK)
		emr_problem_set_status(out_problem, status, _("The new folder"));
	return status;
}

/* ---- the end ---- */

/* The first blocks were written aside: nothing stays there of an init that failed. */
static emr_status share_blocks(making *m, emr_problem *out_problem)
{
	EMR_AUTO_FD stage = dup(m->session.state_fd);
	emr_id16 device = emr_keyring_device_id(m->session.keyring);

	emr_session_close(&m->session);
	if (stage >= 0 && faccessat(stage, EMR_STATE_BLOCKS, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		return EMR_OK; /* an agent has none */
	return stage >= 0 ? emr_blocks_share(stage, m->network_dir, device, out_problem) : EMR_IO;
}

static emr_status finish(making *m, emr_problem *out_problem)
{
	emr_status status;

	emr_keyring_cost_at_least(m->session.keyring, &m->settings.kdf);
	status = emr_profile_save(m->session.keyring, m->session.state_fd, &m->profile);
	if (status == EMR_OK)
		status = emr_keyring_tlv_set(m->session.keyring, EMR_KEYRING_BEGUN, (emr_bytes){0});
	if (status == EMR_OK)
		status = emr_keyring_save_new(m->session.keyring, m->session.state_fd,
			EMR_STATE_KEYFILE, emr_passphrase_view(&m->passphrase), &m->settings.kdf);
	/* Everything is closed before it moves. */
	if (status == EMR_OK && m->network_dir != NULL)
		status = share_blocks(m, out_problem);
	else
		emr_session_close(&m->session);
	if (status == EMR_OK)
		status = emr_stage_move_in(&m->stage);
	if (status != EMR_OK && !out_problem->is_set)
		emr_problem_set_status(out_problem, status, m->places.state);
	m->dir_used = m->stage.is_whole;
	if (status == EMR_OK && emr_begun_forget(m->stage.state_fd, NULL) != EMR_OK)
		emr_log(EMR_LOG_WARN, "joining: %s stays", m->begun.file.name);
	return status;
}

static void say_done(making *m, const emr_id32 *signer_id)
{
	char id[65], shown[512];

	emr_hex(signer_id->b, sizeof signer_id->b, id);
	emr_show(m->profile.name, shown, sizeof shown);
	emr_out_text(m->out, "id", id);
	emr_out_text(m->out, "name", m->profile.name);
	emr_out_text(m->out, "born", m->profile.born);
	emr_out_text(m->out, "folder", m->places.state);
	emr_out_flag(m->out, "words_checked", m->words_checked);
	emr_out_flag(m->out, "second_copy", false);
	if (m->network_dir != NULL)
		emr_out_text(m->out, "network",
			m->org_name != NULL ? m->org_name : m->joining.invitation.network);
	if (is_agent(m))
		emr_say(m->out, "The agent's keyring is in %s.\nStart it: emrfs agent\n",
			m->places.state);
	else if (m->org_name != NULL)
		emr_say(m->out, "The keyring of %s is in %s.\n", shown, m->places.state);
	else
		emr_say(m->out,
			shown[0] != '\0' ? _("%2$s, your keyring is in %1$s.\n")
					 : _("Your keyring is in %1$s.\n"),
			m->places.state, shown);
	if (!is_agent(m) && m->org_name == NULL && !m->opens)
		emr_say_to_open(m->out);
	if (is_agent(m)) /* it has nothing to lose */
		return;
	if (!m->words_checked && !m->has_guardians)
		emr_remark_that(m->out, EMR_SAY_WORDS_BACK, NULL);
	emr_say_one_copy(m->out, &m->places, NULL);
}

/* The words of what was begun before may be in it already, as is seen when that is opened. */
static emr_status check_words_file(const making *m, emr_problem *out_problem)
{
	const char *file = m->args->values[EMR_OPT_WORDS_FILE];

	if (file == NULL || goes_on(m) || !is_there(file))
		return EMR_OK;
	return EMR_PROBLEM(EMR_EXISTS, out_problem, EMR_SAY_WORDS_FILE, "file", file, "cause",
		emr_text(emr_status_text(EMR_EXISTS)), NULL);
}

/* Before anything is asked or made.  An agent's words would bring nothing back. */
static emr_status check_words(const making *m, emr_problem *out_problem)
{
	if ((!emr_terminal_there() || m->args->given[EMR_OPT_YES]) &&
		m->args->values[EMR_OPT_WORDS_FILE] == NULL && !is_agent(m) && !m->has_guardians)
		return EMR_PROBLEM(EMR_DENIED, out_problem, EMR_SAY_NEEDS_WORDS_FILE, NULL);
	return check_words_file(m, out_problem);
}

static emr_status prepare(making *m, emr_problem *out_problem)
{
	EMR_TRY(emr_places_find(m->args->values[EMR_OPT_AS], &m->places, out_problem));
	EMR_TRY(emr_settings_read(&m->places, &m->settings, out_problem));
	EMR_TRY(emr_keys_protect(out_problem));
	return emr_stage_claim(&m->stage, &m->places, out_problem);
}

static emr_status read_within(making *m, emr_problem *out_problem)
{
	const char *within = m->args->values[EMR_OPT_WITHIN];

	m->within_ns = EMR_JOIN_WITHIN_NS;
	if (within == NULL || emr_duration_parse(within, &m->within_ns) == EMR_OK)
		return EMR_OK;
	return emr_wrong_use("init", _("--within takes a time: 90s, 10min, 2h."), out_problem);
}

/* The facts that others will see are said before anything is made. */
static emr_status agree(making *m, emr_problem *out_problem)
{
	const char *network = m->joining.invitation.network;

	EMR_TRY(emr_own_dir_allow(m->joining.invitation.place, m->args->values[EMR_OPT_NETWORK],
		m->out, out_problem));
	if (is_agent(m)) /* it saves nothing */
		return EMR_OK;
	emr_remark_that(m->out, EMR_SAY_MEMBERS_SEE, "what", network, NULL);
	if (m->args->given[EMR_OPT_YES])
		return EMR_OK;
	if (emr_terminal_there() && !m->out->is_json && emr_terminal_says_yes("Join (yes, no)?"))
		return EMR_OK;
	return EMR_PROBLEM(EMR_DENIED, out_problem, EMR_SAY_JOIN_NEEDS_YES, "what", network, NULL);
}

/* Looks at the channel of --channel. */
static emr_status choose_channel(making *m, emr_problem *out_problem)
{
	const char *channel = m->args->values[EMR_OPT_CHANNEL];
	if (channel == NULL)
		return EMR_OK;
	m->channel = emr_path_real(channel);
	return m->channel != NULL ? emr_founding_look(m->channel, &m->found, out_problem)
				  : EMR_NO_MEMORY;
}

/* A new one, in a directory, or one that is there, at a host or in a channel. */
static emr_status choose_dir(making *m, const char *network, emr_problem *out_problem)
{
	EMR_TRY(choose_channel(m, out_problem));
	m->own_dir_made = emr_own_dir_is_address(network);
	if (m->own_dir_made)
		EMR_TRY(emr_own_dir_meet(m->stage.state_fd, m->places.state, network,
			m->args->given[EMR_OPT_LOGIN], &m->network_dir, out_problem));
	else
		m->network_dir = emr_path_real(network);
	if (m->network_dir == NULL)
		return EMR_NO_MEMORY;
	m->is_applying = emr_network_dir_is(m->network_dir);
	if (m->is_applying && !m->own_dir_made && m->channel == NULL)
		return emr_network_dir_refuse(m->network_dir, out_problem);
	return m->is_applying ? emr_network_dir_check(m->network_dir, out_problem) : EMR_OK;
}

/* Which network: one's own, that of an invitation, or the one of --network. */
static emr_status choose_network(making *m, emr_problem *out_problem)
{
	const char *join = m->args->values[EMR_OPT_JOIN], *dir = m->args->values[EMR_OPT_NETWORK];
	emr_status status = read_within(m, out_problem);

	m->joining.login = login_of(m->args);
	if (status == EMR_OK && join == NULL && !m->args->given[EMR_OPT_LOGIN_CA] &&
		!emr_own_dir_is_address(dir) && (dir == NULL || !emr_login_is_there(dir)))
		status = emr_enrol_without(&m->joining.login, out_problem);
	if (status == EMR_OK && join != NULL)
		status = emr_joining_read(join, dir, m->places.state, &m->joining, out_problem);
	emr_begun_name(
		is_alone(m) ? EMR_BEGUN_ALONE : emr_buf_view(&m->joining.bytes), &m->begun.file);
	if (status == EMR_OK)
		status = check_words(m, out_problem);
	if (status == EMR_OK && !is_agent(m))
		status = emr_check_may_mount(
			m->opens && m->org_name == NULL ? NULL : m->out, out_problem);
	if (status != EMR_OK || (join == NULL && dir == NULL))
		return status;
	if (join == NULL)
		return choose_dir(m, dir, out_problem);
	EMR_TRY(agree(m, out_problem));
	m->network_dir = strdup(m->joining.dir);
	return m->network_dir != NULL ? EMR_OK : EMR_NO_MEMORY;
}

int emr_init_new(const emr_args *args, emr_out *out, const char *org_name, emr_made *out_made)
{
	__attribute__((cleanup(making_end))) making m = {.args = args,
		.out = out,
		.stage = EMR_STAGE_NONE,
		.session = EMR_SESSION_CLOSED,
		.opens = out_made != NULL,
		.has_guardians = out_made != NULL && out_made->has_guardians,
		.org_name = org_name};
	emr_problem problem = {0};
	emr_id32 signer_id = {{0}};
	emr_status status = prepare(&m, &problem);

	if (status == EMR_OK)
		status = choose_network(&m, &problem);
	if (status == EMR_OK && org_name == NULL && !is_agent(&m))
		status = init_ask_person(
			args, out, m.joining.invitation.roles, &m.profile, &problem);
	else if (status == EMR_OK)
		snprintf(m.profile.name, sizeof m.profile.name, "%s",
			org_name != NULL		     ? org_name
			: args->values[EMR_OPT_NAME] != NULL ? args->values[EMR_OPT_NAME]
							     : "agent");
	emr_passphrase_is_of(m.profile.name, m.profile.born);
	if (m.has_guardians) {
		m.passphrase = out_made->passphrase;
		out_made->passphrase = (emr_passphrase){0};
	} else if (status == EMR_OK)
		status = emr_passphrase_get(args->values[EMR_OPT_PASSPHRASE_FILE],
			is_alone(&m) || !goes_on(&m), &m.passphrase, &problem);
	m.begun = (emr_begun){.state_fd = m.stage.state_fd,
		.state_path = m.places.state,
		.file = m.begun.file,
		.passphrase = emr_passphrase_view(&m.passphrase),
		.kdf = &m.settings.kdf};
	if (status == EMR_OK)
		status = emr_stage_make(&m.stage, &m.places, &m.session, &problem);
	if (status == EMR_OK)
		status = make_all(&m, &problem);
	if (status == EMR_OK && m.joining.dir == NULL)
		status = hand_out_words(&m, &problem);
	if (status == EMR_OK) {
		signer_id = m.session.identity.signer_id;
		status = finish(&m, &problem);
	}
	if (status != EMR_OK && !problem.is_set)
		emr_problem_set_status(&problem, status, "init");
	if (status != EMR_OK)
		return emr_out_fail(out, &problem);
	say_done(&m, &signer_id);
	if (out_made != NULL) {
		out_made->passphrase = m.passphrase;
		m.passphrase = (emr_passphrase){0};
		out_made->is_agent = is_agent(&m);
		out_made->state = strdup(m.places.state);
	}
	return EMR_EXIT_DONE;
}

int emr_cmd_init(const emr_args *args, emr_out *out)
{
	emr_problem problem = {0};

	if (args->given[EMR_OPT_RESTORE])
		return emr_init_restore(args, out);
	if (!args->given[EMR_OPT_NETWORK] || args->given[EMR_OPT_JOIN])
		return emr_init_new(args, out, NULL, NULL);
	(void)!emr_wrong_use("init",
		_("--network goes with --join, and unix:PATH: a network is made by org create."),
		&problem);
	return emr_out_fail(out, &problem);
}
