#!/usr/bin/env node
// Runs the forge that npm installed, and ends as it ends. @foundry-rs/forge's own launcher exits with 0 whatever
// happens, so that failing tests, wrong gas snapshots and compiler errors would pass.
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { BINARY_NAME, PLATFORM_SPECIFIC_PACKAGE_NAME } from '@foundry-rs/forge/const.mjs'

const { resolve } = createRequire(import.meta.resolve('@foundry-rs/forge/package.json'))
const binary = resolve(`${PLATFORM_SPECIFIC_PACKAGE_NAME('forge')}/bin/${BINARY_NAME('forge')}`)
const { status, error } = spawnSync(binary, process.argv.slice(2), { stdio: 'inherit' })
if (error !== undefined) throw error
process.exitCode = status ?? 1
