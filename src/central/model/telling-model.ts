// The model as people change it, and somebody who is told when sensors may be others than before.

import type { ModelPort, TenantNumber } from '../ports.ts'

export function tellingModel(model: ModelPort, onChange: (tenant: TenantNumber) => void): ModelPort {
  const telling = async <R>(tenant: TenantNumber, change: () => Promise<R>): Promise<R> => {
    try {
      return await change()
    } finally {
      onChange(tenant) // also when it is not known what became of it
    }
  }
  return {
    ...model,
    updateMachine: (tenant, ...rest) => telling(tenant, () => model.updateMachine(tenant, ...rest)),
    updateSensor: (tenant, ...rest) => telling(tenant, () => model.updateSensor(tenant, ...rest)),
    removeSensor: (tenant, id) => telling(tenant, () => model.removeSensor(tenant, id)),
  }
}
