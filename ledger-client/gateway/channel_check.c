/* This file looks beforehand whether a channel is what a network of emrfs needs: at each gateway by
 * itself, and at each organisation that endorses. It refuses to leave anything on the ledger: every
 * endorsed transaction is thrown away. */
#include <sodium.h>
#include <string.h>

#include "channel_private.h"
#include "contract/codes.h"
#include "contract/rows.h"
#include "gateway/batch.h"
#include "gateway_private.h"

#define CHECK_MS 20000u

typedef struct checking {
	const emr_channel *channel;
	emr_gateway_identity *identity;
	emr_bytes descriptor;
	emr_channel_finding_fn tell;
	void *arg;
	size_t well; /* the first gateway that is; as many as there are: none */
} checking;

static void checking_free(checking *c)
{
	emr_gateway_identity_free(c->identity);
}

/* A contract looks at the time of a registration before it reads what is registered: this one says
 * nothing, and whatever it answers but that the time is wrong is well. */
static emr_status check_clock(emr_gateway *gateway, emr_gateway_call *call)
{
	EMR_AUTO_BUF answer = {0};
	const emr_bytes args[3] = {emr_bytes_of("register", 8), {0}, {0}};
	const emr_gateway_invocation invocation = {.args = args, .arg_count = 3};
	emr_status status = emr_gateway_evaluate(gateway, call, &invocation, &answer);

	return call->fault == EMR_GATEWAY_CLOCK ? status : EMR_OK;
}

static emr_status pass_over(void *arg, size_t index, emr_gateway_part_state state, emr_bytes part)
{
	(void)arg;
	(void)index;
	(void)state;
	(void)part;
	return EMR_OK;
}

/* Parts that nobody has, of both collections: a peer that lacks one of these answers otherwise. */
static emr_status check_collections(emr_gateway *gateway, emr_gateway_call *call)
{
	const uint8_t nobody[16] = {0};
	emr_key_text object, request;
	const char *const keys[2] = {object.text, request.text};

	emr_key_part(EMR_FAMILY_OBJECT, nobody, nobody, 1, &object);
	emr_key_part(EMR_FAMILY_REQUEST, nobody, nobody, 1, &request);
	return emr_gateway_parts(gateway, call, keys, 2, pass_over, NULL);
}

/* With that gateway and no other; everything in it is borrowed. */
static emr_channel alone(const emr_channel *channel, size_t i)
{
	emr_channel one = *channel;

	one.n_gateways = 1;
	one.addresses[0] = channel->addresses[i];
	one.roots[0] = channel->roots[i];
	return one;
}

static void check_gateway(checking *c, size_t i)
{
	const emr_channel one = alone(c->channel, i);
	emr_gateway *gateway = NULL;
	emr_gateway_call call = emr_gateway_call_of(CHECK_MS, -1);
	emr_gateway_position behind;
	emr_channel_finding finding = {.name = c->channel->addresses[i]};

	finding.status = channel_gateway(&one, c->identity, NULL, &gateway);
	if (finding.status == EMR_OK)
		finding.status = channel_first_block(gateway, &call, &behind, &finding.height);
	if (finding.status == EMR_OK)
		finding.status = check_clock(gateway, &call);
	if (finding.status == EMR_OK)
		finding.status = channel_look(gateway, &call, c->descriptor);
	if (finding.status == EMR_OK)
		finding.status = check_collections(gateway, &call);
	if (finding.status == EMR_OK && c->well == c->channel->n_gateways)
		c->well = i;
	finding.fault = call.fault;
	finding.said = call.said;
	c->tell(c->arg, &finding);
	emr_gateway_close(gateway);
}

/* A letter to nobody, which is endorsed by its peers alone, and which they must bring to another
 * peer before they do. */
static emr_status endorse_letter(
	emr_gateway *gateway, emr_gateway_call *call, const char *organisation)
{
	EMR_AUTO_BUF envelope = {0};
	uint8_t letter[18];
	const emr_bytes args[1] = {emr_bytes_of("leave", 5)};
	const emr_gateway_invocation invocation = {.args = args,
		.arg_count = 1,
		.transient_name = "letter",
		.transient = emr_bytes_of(letter, sizeof letter),
		.organisations = &organisation,
		.organisation_count = 1};

	randombytes_buf(letter, sizeof letter);
	letter[16] = 1; /* a reply to an invitation */
	return emr_gateway_endorse(gateway, call, &invocation, &envelope, NULL);
}

/* Without an anchor peer in the channel's configuration others may never hear of its peers, and
 * they of private parts. */
static emr_status check_anchor(
	const emr_channel *channel, emr_gateway *gateway, emr_gateway_call *call, const char *name)
{
	EMR_AUTO_BUF config = {0};
	gateway_run run = {.gateway = gateway, .call = call};
	const emr_bytes args[2] = {emr_bytes_of("GetChannelConfig", 16),
		emr_bytes_of(channel->channel, strlen(channel->channel))};
	const emr_gateway_invocation invocation = {
		.chaincode = "cscc", .args = args, .arg_count = 2};
	emr_status status;

	EMR_TRY(emr_gateway_evaluate(gateway, call, &invocation, &config));
	status = config_has_anchor(emr_buf_view(&config), name);
	return status == EMR_OK || status == EMR_NOT_FOUND
		       ? status
		       : gateway_run_fail(&run, EMR_GATEWAY_STRANGE,
				 "a configuration of the channel that cannot be read");
}

static void check_organisation(const checking *c, const char *name)
{
	emr_channel one = alone(c->channel, c->well);
	emr_gateway *gateway = NULL;
	emr_gateway_call call = emr_gateway_call_of(CHECK_MS, -1);
	emr_channel_finding finding = {.is_organisation = true, .name = name};

	one.n_organisations = 1; /* one endorsement is a majority; the authorities are all there */
	finding.status = channel_gateway(&one, c->identity, NULL, &gateway);
	if (finding.status == EMR_OK)
		finding.status = endorse_letter(gateway, &call, name);
	if (finding.status == EMR_OK)
		finding.status = check_anchor(c->channel, gateway, &call, name);
	finding.fault = call.fault;
	finding.said = call.said;
	c->tell(c->arg, &finding);
	emr_gateway_close(gateway);
}

emr_status emr_channel_check(const char *dir, const emr_keyring *keyring, emr_bytes descriptor,
	emr_channel_finding_fn tell, void *arg, char *cause, size_t cause_size)
{
	__attribute__((cleanup(checking_free)))
	checking c = {.descriptor = descriptor, .tell = tell, .arg = arg};
	EMR_AUTO_CHANNEL channel = {0};
	EMR_AUTO_BUF chain = {0};

	EMR_TRY(emr_channel_read(dir, &channel, cause, cause_size));
	EMR_TRY(channel_of_keyring(&channel, keyring));
	EMR_TRY(emr_keyring_tlv_get(keyring, EMR_KEYRING_CERTIFICATE, &chain));
	EMR_TRY(emr_gateway_identity_of_keyring(keyring, channel.msp,
		channel_first_certificate(emr_buf_view(&chain)), &c.identity));
	c.channel = &channel;
	c.well = channel.n_gateways;
	for (size_t i = 0; i < channel.n_gateways; i++)
		check_gateway(&c, i);
	for (size_t i = 0; i < channel.n_organisations && c.well < channel.n_gateways; i++)
		check_organisation(&c, channel.authorities[2 * i]);
	return EMR_OK;
}
