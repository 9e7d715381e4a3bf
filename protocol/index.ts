export * from './Rlp.ts'
