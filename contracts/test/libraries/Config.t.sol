// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {Authority, ConfigLimits, ShortConfig} from "keyroll/libraries/Config.sol";
import {VectorTest} from "../kit/VectorTest.sol";

contract ConfigTest is VectorTest {
    function test_hash_is_that_of_the_vectors() public view {
        string memory json = readVectors("config_hash.json");
        uint256 count = vm.parseJsonUint(json, ".count");
        assertGt(count, 0);
        for (uint256 i = 0; i < count; ++i) {
            ShortConfig memory config = ShortConfig({
                nonce: uint64(vm.parseJsonUint(json, path("cases", i, "nonce"))),
                signers: readAuthority(json, i, "signers"),
                guardians: readAuthority(json, i, "guardians"),
                recoveryDelay: uint32(vm.parseJsonUint(json, path("cases", i, "recoveryDelay"))),
                maxStaleness: uint32(vm.parseJsonUint(json, path("cases", i, "maxStaleness"))),
                dataHash: keccak256(vm.parseJsonBytes(json, path("cases", i, "data")))
            });
            assertEq(
                config.hash(),
                vm.parseJsonBytes32(json, path("cases", i, "configHash")),
                vm.parseJsonString(json, path("cases", i, "name"))
            );
        }
    }

    function test_hash_depends_on_every_field() public pure {
        bytes32 hash = wellFormed().hash();
        for (uint8 field = 0; field < 8; ++field) {
            ShortConfig memory config = wellFormed();
            if (field == 0) config.nonce++;
            if (field == 1) config.signers.root = "other";
            if (field == 2) config.signers.threshold++;
            if (field == 3) config.guardians.root = "other";
            if (field == 4) config.guardians.threshold++;
            if (field == 5) config.recoveryDelay++;
            if (field == 6) config.maxStaleness++;
            if (field == 7) config.dataHash = "other";
            assertNotEq(config.hash(), hash);
        }
    }

    function test_config_with_and_without_guardians_is_well_formed() public pure {
        ShortConfig memory config = wellFormed();
        assertTrue(isWellFormed(config));
        config.guardians = Authority(0, 0);
        config.recoveryDelay = 0;
        assertTrue(isWellFormed(config));
    }

    function test_signers_must_be_able_to_approve() public pure {
        ShortConfig memory config = wellFormed();
        config.signers.threshold = 0;
        assertFalse(isWellFormed(config));
        config.signers.threshold = 16;
        assertTrue(isWellFormed(config));
        config.signers.threshold = 17;
        assertFalse(isWellFormed(config));
        config = wellFormed();
        config.signers.root = 0;
        assertFalse(isWellFormed(config));
    }

    function test_guardians_are_usable_or_none() public pure {
        ShortConfig memory config = wellFormed();
        config.guardians.threshold = 0;
        assertFalse(isWellFormed(config));
        config.guardians.threshold = 16;
        assertTrue(isWellFormed(config));
        config.guardians.threshold = 17;
        assertFalse(isWellFormed(config));
        config = wellFormed();
        config.guardians.root = 0;
        assertFalse(isWellFormed(config));
    }

    function test_recovery_delay_belongs_to_guardians_and_has_a_least_value() public pure {
        ShortConfig memory config = wellFormed();
        config.recoveryDelay = 1 days - 1;
        assertFalse(isWellFormed(config));
        config.recoveryDelay = type(uint32).max;
        assertTrue(isWellFormed(config));
        config.guardians = Authority(0, 0);
        assertFalse(isWellFormed(config));
    }

    function test_staleness_is_never_or_two_challenge_periods() public pure {
        ShortConfig memory config = wellFormed();
        config.maxStaleness = 0;
        assertTrue(isWellFormed(config));
        config.maxStaleness = 14 days - 1;
        assertFalse(isWellFormed(config));
        config.maxStaleness = type(uint32).max;
        assertTrue(isWellFormed(config));
        // Twice the longest challenge period does not fit in 32 bits.
        assertFalse(config.isWellFormed(ConfigLimits(1 days, type(uint32).max)));
    }

    function isWellFormed(ShortConfig memory config) private pure returns (bool) {
        return config.isWellFormed(ConfigLimits({minRecoveryDelay: 1 days, challengePeriod: 7 days}));
    }

    function wellFormed() private pure returns (ShortConfig memory) {
        return ShortConfig({
            nonce: 5,
            signers: Authority("signers", 2),
            guardians: Authority("guardians", 3),
            recoveryDelay: 1 days,
            maxStaleness: 14 days,
            dataHash: keccak256("data")
        });
    }

    function readAuthority(string memory json, uint256 i, string memory name)
        private
        pure
        returns (Authority memory)
    {
        return Authority({
            root: vm.parseJsonBytes32(json, path("cases", i, string.concat(name, "Root"))),
            threshold: uint8(vm.parseJsonUint(json, path("cases", i, string.concat(name, "Threshold"))))
        });
    }
}
