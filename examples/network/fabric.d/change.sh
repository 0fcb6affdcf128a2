# change.sh: how a channel changes while it runs, for examples/network/fabric, which sources it. Each step is a command of Fabric's own tools, which
# is printed; what was killed in between is finished by the same line.
#   join                 a fourth organisation, hospital-c, with a peer, the contract and a backend; its peer gets the former private parts
#   leave ORG            an organisation goes, with its orderers
#   majority N|channel   so many organisations endorse; or those that the channel's own policy wants
#   renew ORG            new certificates, by the CA in DIR/ORG/ca, of its peer, its orderers (one after another), its people and its host
#   root ORG             it has another CA, and the former one counts, too; then: renew ORG, and
#   distrust ORG         its former CAs count no more
#   trust ORG FILE       the CA in FILE counts, too
exec 3>&1
does() { # COMMAND...: and prints it
	printf '$ %s\n' "$*" >&3
	"$@"
}
# That orderers took an update is no block yet: it is lost where the one that leads ends now. So it is done again until the channel has it, which ends
# with 0; twice it has no effect.
change_once() { # SIGNERS JQ-ARGUMENT...
	local signers=$1 last=${1##* } n to=(-c $channel -o "$(an_orderer)" --tls --cafile "$dir/tls-roots.pem")
	rm -rf "$dir/change" && mkdir "$dir/change" && cd "$dir/change" &&
		does as_admin "$last" peer channel fetch config block "${to[@]}" &&
		does configtxlator proto_decode --type common.Block --input block --output block.json &&
		jq '.data.data[0].payload.data.config' block.json >now.json && jq "${@:2}" now.json >new.json || return 1
	if cmp -s now.json new.json; then return; fi
	does configtxlator proto_encode --type common.Config --input now.json --output now &&
		does configtxlator proto_encode --type common.Config --input new.json --output new &&
		does configtxlator compute_update --channel_id $channel --original now --updated new --output update.pb &&
		configtxlator proto_decode --type common.ConfigUpdate --input update.pb |
		jq --arg channel $channel '{payload: {header: {channel_header: {channel_id: $channel, type: 2}}, data: {config_update: .}}}' >update.json &&
		does configtxlator proto_encode --type common.Envelope --input update.json --output update || return 1
	for n in $signers; do [ "$n" = "$last" ] || does as_admin "$n" peer channel signconfigtx -f update || return 1; done
	does as_admin "$last" peer channel update -f update "${to[@]}" && return 1
}
change() { (await "orderer-${orderers%% *}" "takes the change" change_once "$@") || exit; } # "ORG..." JQ-ARGUMENT...: administrators that sign, the new configuration
keep() { printf '%s\n' "$@" >>"$dir/net" && . "$dir/net"; } # NAME=VALUE...

join() {
	open_network
	local taken
	if ! grep -q ^peer_4= "$dir/net"; then
		taken=$(sed -n 's/^[a-z_0-9]*_[0-9]=\([0-9]*\)$/\1/p' "$dir/net" | tr '\n' ' ')
		rm -rf "$dir/4"
		make_org 4
		keep "$(for what in peer chaincode_listener peer_operations chaincode; do choose_port "${what}_4"; done)"
	fi
	{ echo "Organizations:" && organisation 4; } >"$dir/4/configtx.yaml"
	FABRIC_CFG_PATH=$dir/4 does configtxgen -printOrg "${names[4]}" >"$dir/4/org.json" 2>"$dir/configtxgen.log" || fail "$(tail -1 "$dir/configtxgen.log")"
	change "$orgs" --slurpfile org "$dir/4/org.json" --arg name "${names[4]}" --argjson port "$(port peer 4)" '.channel_group.groups.Application.groups[$name] //=
		($org[0] | .values.AnchorPeers = {mod_policy: "Admins", value: {anchor_peers: [{host: "127.0.0.1", port: $port}]}, version: "0"})'
	[[ " $orgs " == *" 4 "* ]] || keep "orgs=\"$orgs 4\"" is_redefined=yes
	package_chaincode 4
	start 3>&-
}
majority() {
	open_network
	[[ $org =~ ^(channel|[1-9])$ ]] || fail "majority N, or majority channel"
	keep "majority=${org#channel}" is_redefined=yes
	start 3>&-
}
open_member() { open_network && { [[ " $orgs " == *" ${org:-none} "* ]] || fail "organisations of the channel: $orgs"; }; }

leave() {
	open_member
	local theirs others o n
	theirs=$(orderers_of "$org")
	others=$(for n in $orgs; do [ "$n" = "$org" ] || echo "$n"; done | xargs)
	change "$others" --arg name "${names[$org]}" --argjson ports "[$(for o in $theirs; do port orderer "$o"; done | paste -sd,)]" '.channel_group.groups |=
		(del(.Application.groups[$name], .Orderer.groups[$name]) |
		(.Orderer.values | .ConsensusType.value.metadata.consenters?, .Orderers.value.consenter_mapping? | arrays) |= map(select(.port as $p | $ports | index($p) | not)))'
	keep "orgs=\"$others\"" "orderers=\"$(for o in $orderers; do [[ " $theirs " == *" $o "* ]] || echo "$o"; done | xargs)\"" is_redefined=yes
	end_processes "$dir"/{backend,chaincode,peer}-"$org".pid $(for o in $theirs; do echo "$dir/orderer-$o.pid"; done)
	start 3>&-
}

renew() {
	open_member
	local o at
	for o in $(orderers_of "$org"); do
		at=$dir/$org/orderer$o
		prepare "orderer$o" orderer
		change "$orgs" --argjson new "$(jq -n --arg old "$(base64 -w0 "$at/tls.pem")" --arg new "$(base64 -w0 "$at.new/tls.pem")" \
			--arg oldid "$(base64 -w0 "$at/msp/signcerts/cert.pem")" --arg newid "$(base64 -w0 "$at.new/msp/signcerts/cert.pem")" '{($old): $new, ($oldid): $newid}')" \
			'.channel_group.groups.Orderer |= walk(if type == "string" then $new[.] // . else . end)'
		end_processes "$dir/orderer-$o.pid"
		swap "$at"
		start_orderer "$o" 3>&-
		await "orderer-$o" "has the channel" has_channel "$o"
	done
	end_processes "$dir/peer-$org.pid" "$dir/backend-$org.pid"
	prepare peer peer
	swap "$dir/$org/peer"
	for o in admin client; do make_member "$org" $o $o; done
	rm -f "$dir/backend/$org/host.pem"
	start 3>&-
}
prepare() { # WHO OU: new keys, in DIR.new; once the channel has them none are made again
	local at=$dir/$org/$1
	[ ! -d "$at.new" ] || return 0
	rm -rf "$at.making"
	make_member "$org" "$1" "$2" "$at.making"
	mv "$at.making" "$at.new"
}
# DIR gets what is prepared in DIR.new.
swap() { cp -r "$1.new/." "$1" && rm -r "$1.new"; } # DIR

# An MSP stands twice in the configuration, for applications and for orderers, and both must be the same. Its administrator alone signs.
change_roots() { # JQ-ARGUMENT... PROGRAM: of root_certs
	change "$org" --arg org "${names[$org]}" "${@:1:$#-1}" \
		"(.channel_group.groups | .Application, .Orderer | .groups[\$org] // empty | .values.MSP.value.config.root_certs) |= (${!#})"
}
trust() {
	openssl x509 -in "$ca" -noout 2>/dev/null || fail "${ca:-no file} is no certificate"
	open_member
	change_roots --arg ca "$(base64 -w0 "$ca")" 'if index($ca) then . else . + [$ca] end'
}
root() {
	open_member
	[ -d "$dir/$org/ca.new" ] || { make_ca "$dir/$org/ca.making" "ca.${names[$org]}" && mv "$dir/$org/ca.making" "$dir/$org/ca.new"; }
	change_roots --arg ca "$(base64 -w0 "$dir/$org/ca.new/cert.pem")" 'if index($ca) then . else . + [$ca] end'
	rm -rf "$dir/$org/ca.former"
	mv "$dir/$org/ca" "$dir/$org/ca.former"
	mv "$dir/$org/ca.new" "$dir/$org/ca"
	make_msp "$org" "$dir/$org/msp"
}
distrust() {
	open_member
	change_roots --arg ca "$(base64 -w0 "$dir/$org/ca/cert.pem")" '[$ca]'
}
