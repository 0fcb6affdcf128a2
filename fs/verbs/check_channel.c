/* This file is what `emrfs check --network` says of a channel of Fabric: of each gateway, and of
 * each organisation that endorses, whether it does what this network needs, and how to mend what it
 * does not. */
#include "verbs_private.h"

#include <stdio.h>
#include <stdlib.h>

#include "gateway/channel.h"
#include "kit/language.h"
#include "kit/text.h"
#include "session/acting.h"
#include "session/network_dir.h"

#define ASK_ADMINISTRATOR N_("Ask whoever administers your organisation.")

/* The last counts where none fits. */
static const struct {
	emr_gateway_fault fault;
	const char *broken, *mend;
} faults[] = {
	{EMR_GATEWAY_NO_HOST, N_("this name is not known here"),
		N_("look at the address in the network's settings, and at this computer's name "
		   "server")},
	{EMR_GATEWAY_NO_ANSWER, N_("nobody listens there"),
		N_("look whether the peer runs, and at its address in the network's settings")},
	{EMR_GATEWAY_RESTING, N_("nobody listens there"),
		N_("look whether the peer runs, and at its address in the network's settings")},
	{EMR_GATEWAY_TLS,
		N_("its certificate of TLS is not of that host, not of this time, or not by the CA "
		   "that stands behind the address"),
		N_("the file behind the address in the network's settings is to be the TLS CA of "
		   "that organisation (tlsca), the host one that its certificate names, and the "
		   "clock of this computer right")},
	{EMR_GATEWAY_SLOW, N_("it did not answer in time"),
		N_("look whether the peer and the line to it are well")},
	{EMR_GATEWAY_BROKEN_OFF, N_("the connection broke"),
		N_("if it always does, the peer wants a certificate of TLS from this computer: "
		   "name "
		   "one by tls-client in the network's settings, or set "
		   "peer.tls.clientAuthRequired to false")},
	{EMR_GATEWAY_STRANGE, N_("no gateway of Fabric answers there"),
		N_("look at the address in the network's settings")},
	{EMR_GATEWAY_UNIMPLEMENTED, N_("no gateway of Fabric answers there"),
		N_("set peer.gateway.enabled at the peer, or take Fabric 2.4 or later")},
	{EMR_GATEWAY_CLOCK,
		N_("its clock and the clock of this computer are more than a quarter of an hour "
		   "apart"),
		N_("timedatectl set-ntp true; where other gateways are well, their clocks agree "
		   "with this one, and it is the peer's that is wrong")},
	{EMR_GATEWAY_EXPIRED, N_("by its clock your certificate has ended"), ASK_ADMINISTRATOR},
	{EMR_GATEWAY_IDENTITY, N_("it does not take your certificate"),
		N_("look at channel and msp in the network's settings, and whether the channel's "
		   "MSP of that name has your organisation's CA (ca.pem beside the settings)")},
	{EMR_GATEWAY_PERMISSION, N_("your certificate may do nothing in this channel"),
		N_("look at the channel's name in the network's settings, and at its policies for "
		   "readers and writers")},
	{EMR_GATEWAY_UNAVAILABLE, N_("it does not have this channel, or reaches nobody in it"),
		N_("look at the channel's name in the network's settings, and whether the peer has "
		   "joined it")},
	{EMR_GATEWAY_NO_PEERS, N_("no peer is known that could endorse"),
		N_("look at chaincode in the network's settings; the contract is to be installed "
		   "and approved at each organisation, and the channel to have anchor peers of "
		   "each")},
	{EMR_GATEWAY_PRECONDITION, N_("the channel or its contract is not set up"),
		N_("look at channel and chaincode in the network's settings, and whether the "
		   "contract was committed to the channel")},
	{EMR_GATEWAY_CHAINCODE, N_("the contract could not answer"),
		N_("look whether the chaincode runs, and is committed with the collections parts "
		   "and mail")},
	{EMR_GATEWAY_REFUSED, N_("the contract is none of emrfs, or an older one"),
		N_("look at chaincode in the network's settings; ledger-client/chaincode/build "
		   "makes the present one")},
	{EMR_GATEWAY_ENDORSEMENT, N_("it does not endorse"), N_("look whether its chaincode runs")},
	{EMR_GATEWAY_NOT_SPREAD, N_("private parts reach no second peer from it"),
		N_("look at the policies of the collections parts and mail, at anchor peers, and "
		   "whether the other peers run")},
	{EMR_GATEWAY_CERTIFICATE_FILE,
		N_("your certificate, its key and the MSP's name do not belong together"),
		ASK_ADMINISTRATOR},
	{EMR_GATEWAY_HERE, N_("it could not be asked: something failed on this computer"),
		N_("look whether memory and disk have room, and whether the files that the "
		   "network's settings name can be read")},
	{EMR_GATEWAY_OTHER_CHANNEL,
		N_("the channel there begins with another block than the one that your keyring "
		   "knows"),
		N_("Do not go on with what named them, a copy or a file; ask whoever administers "
		   "your organisation, by another way.")},
	{EMR_GATEWAY_LIE, N_("it gives something else than what was asked"), ASK_ADMINISTRATOR},
	{EMR_GATEWAY_FINE, N_("it answers with an error"), N_("its log says more")},
};

static void say_well(emr_checker *c, const emr_channel_finding *finding)
{
	char height[EMR_TEXT_BYTES];

	emr_number_text(finding->height, height);
	if (finding->is_organisation)
		emr_check_note(c, "endorser", true, "",
			_("%s endorses, and hands on private parts"), finding->name);
	else
		emr_check_note(
			c, "peer", true, "", _("%s answers; blocks: %s"), finding->name, height);
}

typedef struct asking {
	emr_checker *c;
	bool knows_beginning; /* the keyring does; otherwise only the settings can */
} asking;

/* Settings that nobody could be asked by. */
static bool is_unusable(const emr_channel_finding *finding)
{
	return finding->fault == EMR_GATEWAY_FINE &&
	       (finding->status == EMR_INVALID || finding->status == EMR_FORBIDDEN);
}

static void say_finding(void *arg, const emr_channel_finding *finding)
{
	const asking *a = arg;
	emr_checker *c = a->c;
	const char *name = finding->is_organisation ? "endorser" : "peer";
	const size_t last = sizeof faults / sizeof *faults - 1;
	size_t i = 0;

	while (i < last && faults[i].fault != finding->fault)
		i++;

	if (finding->status == EMR_OK)
		say_well(c, finding);
	else if (finding->fault == EMR_GATEWAY_FINE && finding->status == EMR_NOT_FOUND &&
		 finding->is_organisation)
		emr_check_note(c, name, false,
			_("give it one by AnchorPeers in the channel's configuration; without, "
			  "private parts may reach no peer of others"),
			_("%s: the channel names no anchor peer of it"), finding->name);
	else if (finding->fault == EMR_GATEWAY_FINE && finding->status == EMR_NOT_FOUND)
		emr_check_note(c, name, false, _("look at channel in the network's settings"),
			_("%s: no network of emrfs has begun in this channel"), finding->name);
	else if (finding->fault == EMR_GATEWAY_FINE && finding->status == EMR_FORK)
		emr_check_note(c, name, false, _("look at channel in the network's settings"),
			_("%s: this channel has another network than yours"), finding->name);
	else if (is_unusable(finding))
		emr_check_note(c, name, false,
			_("an address in the network's settings is https://HOST:PORT with nothing "
			  "behind it, and http:// leads to this computer only; the file of an "
			  "organisation has its CA as PEM"),
			finding->status == EMR_FORBIDDEN
				? _("%s: this address is wrong")
				: _("%s: this address, or the file of an organisation, is wrong"),
			finding->name);
	else if (finding->fault == EMR_GATEWAY_OTHER_CHANNEL && !a->knows_beginning)
		emr_check_note(c, name, false, emr_text(faults[i].mend),
			_("%s: the channel there begins with another block than \"genesis\" in the "
			  "network's settings says"),
			finding->name);
	else
		emr_check_note(c, name, false, emr_text(faults[i].mend), "%s: %s (%s)",
			finding->name, emr_text(faults[i].broken),
			finding->said[0] != '\0' ? finding->said
						 : emr_status_text(finding->status));
}

/* Only a save shows whether orderers take it. */
static void check_channel(emr_checker *c, const char *dir, const emr_keyring *keyring)
{
	EMR_AUTO_FREE char *msp = NULL;
	EMR_AUTO_BUF descriptor = {0};
	EMR_AUTO_BUF beginning = {0};
	asking a = {.c = c,
		.knows_beginning = emr_keyring_tlv_get(keyring, EMR_KEYRING_CHANNEL, &beginning) !=
				   EMR_NOT_FOUND};
	char cause[256] = "";
	emr_status status = emr_channel_msp(dir, &msp, cause, sizeof cause);

	if (status == EMR_OK) {
		emr_check_note(c, "channel", true, "", _("%s/%s, as a member of %s"), dir,
			EMR_CHANNEL_SETTINGS, msp);
		status = emr_network_dir_descriptor(dir, &descriptor);
		if (status != EMR_OK) {
			emr_check_note(c, "channel", false, "", "%s/ledger/descriptor: %s", dir,
				emr_text(emr_status_text(status)));
			return;
		}
		status = emr_channel_check(dir, keyring, emr_buf_view(&descriptor), say_finding, &a,
			cause, sizeof cause);
		if (status == EMR_NOT_FOUND && cause[0] == '\0') {
			emr_check_note(c, "channel", false, emr_text(ASK_ADMINISTRATOR),
				_("your keyring has no certificate of this network yet"));
			return;
		}
	}
	if (status == EMR_OK)
		emr_check_warn(c, "orderers", "",
			_("not asked, because only what is to stay goes to them; what waits for "
			  "them, emrfs status says"));
	else
		emr_check_note(c, "channel", false, cause[0] != '\0' ? _("correct that line") : "",
			"%s/%s: %s", dir, EMR_CHANNEL_SETTINGS,
			cause[0] != '\0' ? cause : emr_text(emr_status_text(status)));
}

void emr_check_channel(emr_checker *c, const emr_args *args)
{
	EMR_AUTO_FREE char *dir = NULL;
	emr_acting acting = EMR_ACTING_NONE;
	emr_problem problem = {0};

	if (c->state_fd < 0 || emr_network_dir_of(c->state_fd, &dir) != EMR_OK ||
		!emr_network_dir_is_on_fabric(dir))
		return;
	if (emr_acting_keys(&acting, args, &problem) == EMR_OK)
		check_channel(c, dir, acting.session.keyring);
	else
		emr_check_note(c, "channel", false, problem.hint, "%s", problem.text);
	emr_acting_end(&acting);
}
